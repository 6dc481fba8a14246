package org.sparkrnn.common.storage;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.BadInputException;
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
   * @throws BadInputException if the heap cannot hold it
   */
  public static JsonObject parse(byte[] bytes, String path) throws CorruptFileException {
    HeapLimit.require(path, 2L * bytes.length); // they are there already, texts hold them again
    JsonNode node;
    try (JsonParser parser = new BoundedParser(MAPPER.createParser(bytes), path)) {
      node = MAPPER.readTree(parser);
      if (node == null) {
        throw new CorruptFileException("Cannot read %s: nothing is in it".formatted(path));
      }
    } catch (CorruptFileException e) {
      throw e;
    } catch (JsonProcessingException e) {
      // A text that exceeds a limit of Jackson, such as that of nesting, has no location.
      @Nullable JsonLocation location = e.getLocation();
      throw new CorruptFileException(
          "Cannot read %s: no JSON%s: %s"
              .formatted(
                  path,
                  location == null ? "" : " at byte " + location.getByteOffset(),
                  e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
    return JsonObject.of(node, path, "");
  }

  /** Gives up before the tree of a file of many small values outgrows the heap. */
  private static final class BoundedParser extends JsonParserDelegate {
    private static final long BYTES_OF_TOKEN = 96; // a key, its entry and its value take two

    private final String path;
    private final long mostTokens = HeapLimit.bytes() / 2 / BYTES_OF_TOKEN;
    private long tokens;

    BoundedParser(JsonParser parser, String path) {
      super(parser);
      this.path = path;
    }

    @Override
    public JsonToken nextToken() throws IOException {
      if (++tokens > mostTokens) {
        throw HeapLimit.tooLarge(path, 2 * BYTES_OF_TOKEN * tokens);
      }
      return super.nextToken();
    }
  }
}
