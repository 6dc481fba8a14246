package org.sparkrnn.common.sequences;

import java.io.IOException;
import java.util.Map;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;

/** A corpus of sequences in a folder: manifest, vocabulary, schema, and readers of its splits. */
public final class SequenceCorpus {
  private final Files files;
  private final String path;
  private final SequenceManifest manifest;

  /**
   * Reads the manifest.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if there is no corpus at {@code path}
   */
  public SequenceCorpus(Files files, String path) throws IOException {
    this.files = files;
    this.path = path;
    this.manifest = SequenceManifest.read(files, path);
  }

  /**
   * Writes what makes a corpus of splits that have been written: vocabulary, schema and, last, the
   * manifest.
   */
  public static SequenceManifest finish(
      Files files,
      String path,
      Vocabulary vocabulary,
      SequenceSchema schema,
      Map<String, SequenceSplit> splits)
      throws IOException {
    Channels.writeAll(files, Files.join(path, Vocabulary.FILE), vocabulary.toJson());
    Channels.writeAll(files, Files.join(path, SequenceSchema.FILE), schema.toJson());
    SequenceManifest manifest = SequenceManifest.of(vocabulary, schema, splits);
    files.replace(Files.join(path, CorpusManifest.FILE), manifest.toJson());
    return manifest;
  }

  public SequenceManifest manifest() {
    return manifest;
  }

  /** Reads the vocabulary and checks that it is the one the arrays were written with. */
  public Vocabulary vocabulary() throws IOException {
    String file = Files.join(path, Vocabulary.FILE);
    Vocabulary vocabulary = Vocabulary.read(files, file);
    requireSame(file, vocabulary.fingerprint(), manifest.vocabularyFingerprint());
    return vocabulary;
  }

  /** Reads the schema and checks that it is the one the arrays were written with. */
  public SequenceSchema schema() throws IOException {
    String file = Files.join(path, SequenceSchema.FILE);
    SequenceSchema schema = SequenceSchema.read(files, file);
    requireSame(file, schema.fingerprint(), manifest.schemaFingerprint());
    if (schema.outputs() != manifest.outputs()) {
      throw new CorruptFileException(
          "Cannot read %s: it has %d outputs, the manifest says %d"
              .formatted(file, schema.outputs(), manifest.outputs()));
    }
    return schema;
  }

  private static void requireSame(String file, String actual, String expected)
      throws CorruptFileException {
    if (!actual.equals(expected)) {
      throw new CorruptFileException(
          "Cannot read %s: its fingerprint is %s, that of the corpus %s"
              .formatted(file, actual, expected));
    }
  }

  /** A reader of a split; the caller closes it. */
  public SequenceReader sequences(String split) {
    return new SequenceReader(files, path, manifest, manifest.split(split));
  }
}
