package org.sparkrnn.common.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.sparkrnn.common.errors.CorruptFileException;

/**
 * JSON that is the same bytes for the same content: keys sorted, two spaces, {@code \n}, UTF-8.
 * Reading is strict: no duplicate keys, nothing behind the value.
 */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();
  private static final ObjectWriter WRITER =
      MAPPER.writer(
          new DefaultPrettyPrinter()
              .withObjectIndenter(new DefaultIndenter("  ", "\n"))
              .withArrayIndenter(new DefaultIndenter("  ", "\n")));

  private Json() {}

  /**
   * Maps (in any order), lists, strings, numbers and booleans as JSON text with a final newline.
   */
  public static byte[] bytes(Map<String, ?> object) {
    try {
      byte[] json = WRITER.writeValueAsBytes(object);
      byte[] line = java.util.Arrays.copyOf(json, json.length + 1);
      line[json.length] = '\n';
      return line;
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("Cannot write JSON", e);
    }
  }

  /** As {@link #bytes}, on one line without a newline: a line of a {@code .jsonl} file. */
  public static String line(Map<String, ?> object) {
    try {
      return MAPPER.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("Cannot write JSON", e);
    }
  }

  /**
   * The object that the bytes are.
   *
   * @param path the file to name in the message
   * @throws CorruptFileException if they are not one JSON object
   */
  public static JsonObject parse(byte[] bytes, String path) throws CorruptFileException {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new CorruptFileException(
          "Cannot read %s: no JSON at byte %d: %s"
              .formatted(path, e.getLocation().getByteOffset(), e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
    return JsonObject.of(node, path, "");
  }
}
