package org.sparkrnn.driver.tokenize;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/**
 * Bytes of a file that one scan takes. It owns the tokens that begin in it and reads on to their
 * end.
 *
 * @param number position among all ranges of the job
 * @param split index of its split in {@link org.sparkrnn.common.corpus.Split#NAMES}
 * @param start first byte
 * @param end byte after the last; of a compressed file, {@code fileSize}
 * @param compressed whether the file has to be read from its start through Hadoop's codec
 */
record TextRange(
    int number, int split, String path, long start, long end, long fileSize, boolean compressed)
    implements Serializable {

  /**
   * Cuts files into ranges of {@code rangeBytes}, appended to {@code ranges}; empty files have
   * none.
   */
  static void cut(
      List<InputFile> files,
      int split,
      long rangeBytes,
      Configuration configuration,
      List<TextRange> ranges) {
    CompressionCodecFactory codecs = new CompressionCodecFactory(configuration);
    for (InputFile file : files) {
      boolean compressed = codecs.getCodec(new Path("/" + fileName(file.path()))) != null;
      long step = compressed ? Math.max(1, file.size()) : rangeBytes;
      for (long start = 0; start < file.size(); start += step) {
        long end = Math.min(file.size(), start + step);
        ranges.add(
            new TextRange(ranges.size(), split, file.path(), start, end, file.size(), compressed));
      }
    }
  }

  /** Consecutive ranges of about {@code targetBytes} together: the work of one task. */
  static List<List<TextRange>> group(List<TextRange> ranges, long targetBytes) {
    List<List<TextRange>> groups = new ArrayList<>();
    long bytes = targetBytes;
    for (TextRange range : ranges) {
      if (bytes >= targetBytes) {
        groups.add(new ArrayList<>());
        bytes = 0;
      }
      groups.get(groups.size() - 1).add(range);
      bytes += range.end - range.start;
    }
    return groups;
  }

  static String fileName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
