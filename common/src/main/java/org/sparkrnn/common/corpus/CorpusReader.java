package org.sparkrnn.common.corpus;

import java.io.IOException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Files;

/** A tokenized corpus in a folder: its manifest, its vocabulary, and readers of its splits. */
public final class CorpusReader {
  private final Files files;
  private final String path;
  private final CorpusManifest manifest;

  /**
   * Reads the manifest.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if there is no corpus at {@code path}
   */
  public CorpusReader(Files files, String path) throws IOException {
    this(files, path, CorpusManifest.read(files, path));
  }

  /** A corpus whose manifest has been read already. */
  public CorpusReader(Files files, String path, CorpusManifest manifest) {
    this.files = files;
    this.path = path;
    this.manifest = manifest;
  }

  public CorpusManifest manifest() {
    return manifest;
  }

  /** Reads the vocabulary and checks that it is the one the shards were written with. */
  public Vocabulary vocabulary() throws IOException {
    String file = Files.join(path, Vocabulary.FILE);
    Vocabulary vocabulary = Vocabulary.read(files, file);
    if (vocabulary.size() != manifest.vocabularySize()
        || !vocabulary.fingerprint().equals(manifest.vocabularyFingerprint())) {
      throw new CorruptFileException(
          "Cannot read %s: its fingerprint is %s, that of the corpus %s"
              .formatted(file, vocabulary.fingerprint(), manifest.vocabularyFingerprint()));
    }
    return vocabulary;
  }

  /** A reader of a split; the caller closes it. */
  public TokenReader tokens(String split) {
    return new TokenReader(files, path, manifest, manifest.split(split));
  }
}
