package org.sparkrnn.common.corpus;

import java.io.IOException;
import org.sparkrnn.common.storage.Files;

/**
 * Writes one shard from its first to its last token, in memory of one block. How many tokens there
 * will be is said first, because the header stands before them and streams cannot go back.
 *
 * <p>A shard counts only once a manifest lists it: after a failure the file may be left behind or
 * written again.
 */
public final class ShardWriter implements AutoCloseable {
  private final String name;
  private final int vocabularySize;
  private final ArrayWriter array;

  /**
   * Creates or overwrites a shard.
   *
   * @param name path below the corpus, see {@link Shard#name}
   * @param vocabularySize decides the element type; every token must be below
   * @param tokens exact number of tokens to come
   */
  public ShardWriter(Files files, String corpus, String name, int vocabularySize, long tokens)
      throws IOException {
    this.name = name;
    this.vocabularySize = vocabularySize;
    this.array =
        new ArrayWriter(files, corpus, name, ElementType.forVocabulary(vocabularySize), tokens);
  }

  /** Appends a token. */
  public void write(int token) throws IOException {
    if (token < 0 || token >= vocabularySize) {
      throw new IllegalArgumentException(
          "Cannot write token %d to %s: the vocabulary has %d"
              .formatted(token, name, vocabularySize));
    }
    array.write((long) token);
  }

  /** Appends tokens. */
  public void write(int[] source, int from, int count) throws IOException {
    for (int i = from; i < from + count; i++) {
      write(source[i]);
    }
  }

  /**
   * Ends the file; it is durable afterwards.
   *
   * @throws IllegalStateException if there were not as many tokens as announced
   */
  public Shard finish() throws IOException {
    return array.finish();
  }

  /** Releases the file; without {@link #finish} before, it is not a shard. */
  @Override
  public void close() throws IOException {
    array.close();
  }
}
