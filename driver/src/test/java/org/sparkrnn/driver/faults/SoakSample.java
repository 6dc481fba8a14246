package org.sparkrnn.driver.faults;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * What a driver held after a round; a line of text.
 *
 * @param heap used after a collection, in bytes
 * @param direct buffers outside of the heap, in bytes
 * @param blocks broadcast blocks
 * @param descriptors open files and sockets
 * @param files below the folder of the run, Spark's local directory and the temporary one
 * @param cpuMillis processor time of the process until now
 * @param millis of a clock that begins anywhere
 */
record SoakSample(
    long round,
    long resident,
    long heap,
    long direct,
    long blocks,
    long threads,
    long descriptors,
    long files,
    long cpuMillis,
    long millis,
    long tokens) {
  private static final String BEGINNING = "sample";

  @Override
  public String toString() {
    return LongStream.of(
            round,
            resident,
            heap,
            direct,
            blocks,
            threads,
            descriptors,
            files,
            cpuMillis,
            millis,
            tokens)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(" ", BEGINNING + " ", ""));
  }

  /** The sample of a line, if it is one. */
  static Optional<SoakSample> parse(String line) {
    if (!line.startsWith(BEGINNING + " ")) {
      return Optional.empty();
    }
    long[] n = Arrays.stream(line.split(" ", -1)).skip(1).mapToLong(Long::parseLong).toArray();
    return Optional.of(
        new SoakSample(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]));
  }
}
