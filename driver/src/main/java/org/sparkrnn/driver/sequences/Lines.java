package org.sparkrnn.driver.sequences;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.channels.Channels;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.storage.HadoopFiles;

/** The lines of a file of UTF-8 text, plain or compressed; LF and CR LF end a line. */
public final class Lines implements AutoCloseable {
  private static final int MOST_CHARACTERS = 1 << 22;

  private final Reader reader;
  private final String path;
  private long number;

  private Lines(InputStream in, String path) {
    this.reader =
        new BufferedReader(
            new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)),
            1 << 16);
    this.path = path;
  }

  /** Opens a file. */
  public static Lines open(HadoopFiles files, String path) throws IOException {
    InputStream plain = Channels.newInputStream(files.open(path));
    CompressionCodec codec =
        new CompressionCodecFactory(files.configuration())
            .getCodec(new Path("/" + path.substring(path.lastIndexOf('/') + 1)));
    return new Lines(codec == null ? plain : codec.createInputStream(plain), path);
  }

  /** The lines of a stream, such as standard input. */
  public static Lines of(InputStream in, String name) {
    return new Lines(in, name);
  }

  /** Takes one line after the other. */
  @FunctionalInterface
  public interface Visitor {
    void line(String line) throws IOException;
  }

  /** Reads all lines. */
  public void forEach(Visitor visitor) throws IOException {
    StringBuilder line = new StringBuilder();
    int character;
    try {
      while ((character = reader.read()) >= 0) {
        if (character == '\n') {
          end(line, visitor);
        } else {
          line.append((char) character);
        }
        if (line.length() > MOST_CHARACTERS) {
          throw wrong("it has more than %d characters".formatted(MOST_CHARACTERS));
        }
      }
    } catch (CharacterCodingException e) {
      throw wrong("it or one of those that follow is not UTF-8");
    }
    if (line.length() > 0) {
      end(line, visitor);
    }
  }

  private void end(StringBuilder line, Visitor visitor) throws IOException {
    if (line.length() > 0 && line.charAt(line.length() - 1) == '\r') {
      line.setLength(line.length() - 1);
    }
    number++;
    String text = line.toString();
    line.setLength(0);
    visitor.line(text);
  }

  /** What to throw about the line that is being read. */
  public BadInputException wrong(String why) {
    return new BadInputException(
        "Cannot read line %d of %s: %s".formatted(Math.max(1, number), path, why));
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
