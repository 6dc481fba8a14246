package org.sparkrnn.common.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The values of all keys, converted on demand. Numbers are read from their text: Typesafe Config
 * would turn 2.7 into the integer 2.
 */
final class Settings {
  private static final String VALUE = "value";
  private static final int MAX_DIGITS = 100;
  private static final String INTEGERS =
      "an integer of at most %d, or a list of them".formatted(Integer.MAX_VALUE);
  private static final Pattern QUANTITY =
      Pattern.compile("-?[0-9]{1,18}([.][0-9]{0,18})?([eE][+]?[0-9]{1,2})?\\s*[A-Za-z]{0,16}");

  private final Map<String, ConfigValue> values;

  Settings(Map<String, ConfigValue> values) {
    this.values = values;
  }

  String text(String key) {
    return scalar(key, value(key), "a text");
  }

  /** A list, or one text with commas, which may stand in brackets. */
  List<String> texts(String key) {
    ConfigValue value = value(key);
    List<String> texts = new ArrayList<>();
    if (value instanceof ConfigList list) {
      for (ConfigValue element : list) {
        texts.add(scalar(key, element, "a list of texts"));
      }
    } else {
      String text = scalar(key, value, "a list of texts").strip();
      boolean brackets = text.startsWith("[") && text.endsWith("]");
      for (String part : (brackets ? text.substring(1, text.length() - 1) : text).split(",", -1)) {
        if (!part.isBlank()) {
          texts.add(part.strip());
        }
      }
    }
    return List.copyOf(texts);
  }

  /** A list of integers, one integer, or one text of them with commas; at least one. */
  List<Integer> integers(String key) {
    List<Integer> integers = integersOrNone(key);
    if (integers.isEmpty()) {
      throw wrong(key, INTEGERS);
    }
    return integers;
  }

  /** The same, or an empty list. */
  List<Integer> integersOrNone(String key) {
    List<Integer> integers = new ArrayList<>();
    for (String text : texts(key)) {
      try {
        integers.add(decimal(key, text, INTEGERS).intValueExact());
      } catch (ArithmeticException | NumberFormatException e) {
        throw wrong(key, INTEGERS);
      }
    }
    return List.copyOf(integers);
  }

  int integer(String key) {
    long value = longInteger(key);
    if (value != (int) value) {
      throw wrong(key, "an integer of at most " + Integer.MAX_VALUE);
    }
    return (int) value;
  }

  /** Empty for {@code auto}. */
  OptionalInt integerOrAuto(String key) {
    String expected = "an integer of at most %d, or auto".formatted(Integer.MAX_VALUE);
    String text = scalar(key, value(key), expected);
    if (text.equals("auto")) {
      return OptionalInt.empty();
    }
    try {
      return OptionalInt.of(decimal(key, text, expected).intValueExact());
    } catch (ArithmeticException | NumberFormatException e) {
      throw wrong(key, expected);
    }
  }

  long longInteger(String key) {
    try {
      return decimal(key, "an integer").longValueExact();
    } catch (ArithmeticException | NumberFormatException e) {
      throw wrong(key, "an integer");
    }
  }

  double number(String key) {
    double number;
    try {
      number = decimal(key, "a number").doubleValue();
    } catch (NumberFormatException e) {
      throw wrong(key, "a number");
    }
    if (Double.isInfinite(number)) {
      throw wrong(key, "a finite number");
    }
    return number;
  }

  /** NaN for {@code null}. */
  double numberOrNaN(String key) {
    ConfigValue value = value(key);
    boolean isNull =
        value.valueType() == ConfigValueType.NULL
            || scalar(key, value, "a number or null").equals("null");
    return isNull ? Double.NaN : number(key);
  }

  boolean flag(String key) {
    return switch (scalar(key, value(key), "true or false")) {
      case "true", "yes", "on" -> true;
      case "false", "no", "off" -> false;
      default -> throw wrong(key, "true or false");
    };
  }

  Duration duration(String key) {
    try {
      return quantity(key, "a duration such as 90s").getDuration(VALUE);
    } catch (ConfigException e) {
      throw wrong(key, "a duration such as 500ms, 90s, 10m or 2h");
    }
  }

  long bytes(String key) {
    try {
      return quantity(key, "a size such as 8MiB").getBytes(VALUE);
    } catch (ConfigException e) {
      throw wrong(key, "a size such as 512KiB, 8MiB or 2GB");
    }
  }

  <E extends Enum<E>> E word(String key, Class<E> words) {
    String text = scalar(key, value(key), "a word");
    for (E word : words.getEnumConstants()) {
      if (Checks.text(word).equals(text)) {
        return word;
      }
    }
    String known =
        Arrays.stream(words.getEnumConstants()).map(Checks::text).collect(Collectors.joining(", "));
    throw wrong(key, "one of " + known);
  }

  private ConfigValue value(String key) {
    ConfigValue value = values.get(key);
    if (value == null) {
      throw new IllegalStateException("Cannot find %s in reference.conf".formatted(key));
    }
    return value;
  }

  /** A number of a length that nobody exceeds: reading one takes the square of it. */
  private BigDecimal decimal(String key, String expected) {
    return decimal(key, scalar(key, value(key), expected), expected);
  }

  private BigDecimal decimal(String key, String text, String expected) {
    if (text.length() > MAX_DIGITS) {
      throw wrong(key, expected);
    }
    return new BigDecimal(text);
  }

  /** A number with a unit. Typesafe Config would write out all the digits of 1e999999999. */
  private Config quantity(String key, String expected) {
    if (!QUANTITY.matcher(scalar(key, value(key), expected).strip()).matches()) {
      throw wrong(key, expected);
    }
    return value(key).atKey(VALUE);
  }

  private String scalar(String key, ConfigValue value, String expected) {
    return switch (value.valueType()) {
      case STRING, NUMBER, BOOLEAN -> value.atKey(VALUE).getString(VALUE);
      case OBJECT, LIST, NULL -> throw wrong(key, expected);
    };
  }

  private BadInputException wrong(String key, String expected) {
    ConfigValue value = value(key);
    return new BadInputException(
        "%s must be %s, got %s (%s)"
            .formatted(
                key,
                expected,
                value.render(com.typesafe.config.ConfigRenderOptions.concise()),
                ConfigLoader.where(value)));
  }
}
