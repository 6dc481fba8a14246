package org.sparkrnn.common.storage;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.CorruptFileException;

/**
 * A JSON object that was read from a file. Every accessor demands that its field is there and has
 * the type, and names the file and the field if not.
 */
public final class JsonObject {
  private final JsonNode node;
  private final String path;
  private final String position;

  private JsonObject(JsonNode node, String path, String position) {
    this.node = node;
    this.path = path;
    this.position = position;
  }

  static JsonObject of(JsonNode node, String path, String position) throws CorruptFileException {
    if (!node.isObject()) {
      throw new CorruptFileException(
          "Cannot read %s: %s must be an object"
              .formatted(path, position.isEmpty() ? "it" : position));
    }
    return new JsonObject(node, path, position);
  }

  public boolean has(String name) {
    return node.has(name);
  }

  /** The names of all fields, sorted. */
  public Set<String> names() {
    Set<String> names = new TreeSet<>();
    for (Iterator<String> all = node.fieldNames(); all.hasNext(); ) {
      names.add(all.next());
    }
    return Collections.unmodifiableSet(names);
  }

  public String text(String name) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isTextual()) {
      throw wrong(name, "a string");
    }
    return field.textValue();
  }

  public boolean flag(String name) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isBoolean()) {
      throw wrong(name, "true or false");
    }
    return field.booleanValue();
  }

  /** An integer that is at least {@code minimum}. */
  public long integer(String name, long minimum) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isIntegralNumber() || !field.canConvertToLong() || field.longValue() < minimum) {
      throw wrong(name, "an integer of at least " + minimum);
    }
    return field.longValue();
  }

  /** As {@link #integer}, in the range of {@code int}. */
  public int smallInteger(String name, int minimum) throws CorruptFileException {
    long value = integer(name, minimum);
    if (value > Integer.MAX_VALUE) {
      throw wrong(name, "at most " + Integer.MAX_VALUE);
    }
    return (int) value;
  }

  public double number(String name) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isNumber()) {
      throw wrong(name, "a number");
    }
    return field.doubleValue();
  }

  /** The text of a string, a number or a boolean; empty for {@code null}. */
  public Optional<String> scalar(String name) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isValueNode()) {
      throw wrong(name, "a string, a number, true, false or null");
    }
    return field.isNull() ? Optional.empty() : Optional.of(field.asText());
  }

  public boolean isList(String name) {
    return node.path(name).isArray();
  }

  public JsonObject object(String name) throws CorruptFileException {
    return of(field(name), path, child(name));
  }

  public List<JsonObject> objects(String name) throws CorruptFileException {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonNode element : array(name)) {
      objects.add(of(element, path, "%s[%d]".formatted(child(name), objects.size())));
    }
    return List.copyOf(objects);
  }

  public List<String> texts(String name) throws CorruptFileException {
    List<String> texts = new ArrayList<>();
    for (JsonNode element : array(name)) {
      if (!element.isTextual()) {
        throw wrong(name, "a list of strings");
      }
      texts.add(element.textValue());
    }
    return List.copyOf(texts);
  }

  /** A list of integers that are at least {@code minimum}. */
  public long[] integers(String name, long minimum) throws CorruptFileException {
    JsonNode array = array(name);
    long[] integers = new long[array.size()];
    for (int i = 0; i < integers.length; i++) {
      JsonNode element = array.get(i);
      if (!element.isIntegralNumber()
          || !element.canConvertToLong()
          || element.longValue() < minimum) {
        throw wrong(name, "a list of integers of at least " + minimum);
      }
      integers[i] = element.longValue();
    }
    return integers;
  }

  /** A list of numbers. */
  public double[] numbers(String name) throws CorruptFileException {
    JsonNode array = array(name);
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!array.get(i).isNumber()) {
        throw wrong(name, "a list of numbers");
      }
      numbers[i] = array.get(i).doubleValue();
    }
    return numbers;
  }

  /** What to throw when a field has the right type but an impossible value. */
  public CorruptFileException wrong(String name, String expected) {
    return new CorruptFileException(
        "Cannot read %s: %s must be %s, got %s"
            .formatted(path, child(name), expected, text(node.get(name))));
  }

  private JsonNode array(String name) throws CorruptFileException {
    JsonNode field = field(name);
    if (!field.isArray()) {
      throw wrong(name, "a list");
    }
    return field;
  }

  private JsonNode field(String name) throws CorruptFileException {
    JsonNode field = node.get(name);
    if (field == null) {
      throw new CorruptFileException("Cannot read %s: no %s in it".formatted(path, child(name)));
    }
    return field;
  }

  private String child(String name) {
    return abbreviated(position.isEmpty() ? name : position + "." + name);
  }

  /** Not the whole text of a list or an object, which may be most of a large file. */
  private static String text(@Nullable JsonNode value) {
    if (value != null && value.isContainerNode()) {
      return "%s of %d".formatted(value.isArray() ? "a list" : "an object", value.size());
    }
    return abbreviated(String.valueOf(value));
  }

  private static String abbreviated(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
