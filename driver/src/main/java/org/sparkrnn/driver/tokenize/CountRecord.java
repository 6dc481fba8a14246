package org.sparkrnn.driver.tokenize;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import scala.Tuple2;

/**
 * What counting tasks give, as bytes, which both of Spark's serializers move: the summary of a
 * range, or the number of occurrences of some kinds of tokens in a split.
 */
final class CountRecord {
  private static final int SUMMARY = 0;
  private static final int KINDS = 1;

  private CountRecord() {}

  /**
   * What one range has.
   *
   * @param range its number
   * @param unknown tokens that are not in the given vocabulary
   * @param example the first of them, if any
   * @param problem why it cannot be tokenized; empty if it can
   */
  record Summary(int range, long tokens, long unknown, String example, String problem) {
    byte[] toBytes() {
      return bytes(
          out -> {
            out.writeByte(SUMMARY);
            out.writeInt(range);
            out.writeLong(tokens);
            out.writeLong(unknown);
            writeText(out, example);
            writeText(out, problem);
          });
    }

    static Summary of(byte[] bytes) {
      try (DataInputStream in = open(bytes)) {
        return new Summary(in.readInt(), in.readLong(), in.readLong(), readText(in), readText(in));
      } catch (IOException e) {
        throw impossible(e);
      }
    }
  }

  static boolean isSummary(byte[] bytes) {
    return bytes[0] == SUMMARY;
  }

  /** Counts of kinds in a split. */
  static byte[] kinds(int split, Map<String, long[]> counts) {
    return bytes(
        out -> {
          out.writeByte(KINDS);
          out.writeInt(split);
          out.writeInt(counts.size());
          for (Map.Entry<String, long[]> entry : counts.entrySet()) {
            writeText(out, entry.getKey());
            out.writeLong(entry.getValue()[0]);
          }
        });
  }

  /** Whether the bytes are counts of kinds in training text, or otherwise in another split. */
  static boolean isKinds(byte[] bytes, boolean training) {
    // The split is the big-endian number behind the tag.
    return bytes[0] == KINDS && (bytes[4] == 0) == training;
  }

  /** The kinds and their counts. */
  static List<Tuple2<String, Long>> kindsOf(byte[] bytes) {
    try (DataInputStream in = open(bytes)) {
      in.readInt();
      int size = in.readInt();
      List<Tuple2<String, Long>> kinds = new ArrayList<>(size);
      for (int i = 0; i < size; i++) {
        kinds.add(new Tuple2<>(readText(in), in.readLong()));
      }
      return kinds;
    } catch (IOException e) {
      throw impossible(e);
    }
  }

  private interface Writer {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] bytes(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      writer.write(out);
    } catch (IOException e) {
      throw impossible(e);
    }
    return bytes.toByteArray();
  }

  /** The stream behind the tag. */
  private static DataInputStream open(byte[] bytes) {
    return new DataInputStream(new ByteArrayInputStream(bytes, 1, bytes.length - 1));
  }

  private static void writeText(DataOutputStream out, String text) throws IOException {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(utf8.length);
    out.write(utf8);
  }

  private static String readText(DataInputStream in) throws IOException {
    byte[] utf8 = new byte[in.readInt()];
    in.readFully(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private static UncheckedIOException impossible(IOException e) {
    return new UncheckedIOException("Cannot happen in memory", e);
  }
}
