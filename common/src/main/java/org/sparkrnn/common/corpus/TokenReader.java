package org.sparkrnn.common.corpus;

import java.io.IOException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Files;

/**
 * Reads tokens of a split, addressed by their position in its logical sequence, at many places in
 * turn. Not for several threads.
 */
public final class TokenReader implements AutoCloseable {
  private final ArrayReader shards;
  private final int vocabularySize;

  TokenReader(Files files, String corpus, CorpusManifest manifest, Split split) {
    this.shards = new ArrayReader(files, corpus, manifest.elementType(), split.shards());
    this.vocabularySize = manifest.vocabularySize();
  }

  TokenReader(Files files, String corpus, CorpusManifest manifest, Split split, int maxPages) {
    this.shards = new ArrayReader(files, corpus, manifest.elementType(), split.shards(), maxPages);
    this.vocabularySize = manifest.vocabularySize();
  }

  /** Number of tokens of the split. */
  public long tokens() {
    return shards.size();
  }

  /** Bytes that have been read from files so far. */
  public long bytesRead() {
    return shards.bytesRead();
  }

  /**
   * Reads consecutive tokens.
   *
   * @param firstToken position of the first in the split
   * @param target out: the tokens, from index {@code from}
   * @throws CorruptFileException if a block that holds one of them is damaged; the message names
   *     the file and the byte
   */
  public void read(long firstToken, int[] target, int from, int count) throws IOException {
    shards.readIndices(firstToken, target, from, count, vocabularySize, "token");
  }

  @Override
  public void close() throws IOException {
    shards.close();
  }
}
