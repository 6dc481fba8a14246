package org.sparkrnn.common.config;

import java.time.Duration;
import java.util.Locale;
import org.sparkrnn.common.errors.BadInputException;

/** What the records of this package demand of their values; every message has key and value. */
final class Checks {
  private Checks() {}

  static void requirePositive(String key, long value) {
    if (value <= 0) {
      throw new BadInputException("%s must be positive, got %d".formatted(key, value));
    }
  }

  static void requireNotNegative(String key, long value) {
    if (value < 0) {
      throw new BadInputException("%s must not be negative, got %d".formatted(key, value));
    }
  }

  static void requireAtMost(String key, long most, long value) {
    if (value > most) {
      throw new BadInputException("%s must be at most %d, got %d".formatted(key, most, value));
    }
  }

  static void requirePositive(String key, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new BadInputException("%s must be positive, got %s".formatted(key, value));
    }
  }

  static void requireNotNegative(String key, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new BadInputException("%s must not be negative, got %s".formatted(key, value));
    }
  }

  /** 0 ≤ value < 1. */
  static void requireShare(String key, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new BadInputException(
          "%s must be at least 0 and below 1, got %s".formatted(key, value));
    }
  }

  static void requirePositive(String key, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new BadInputException("%s must be positive, got %s".formatted(key, text(value)));
    }
  }

  static void requireNotNegative(String key, Duration value) {
    if (value.isNegative()) {
      throw new BadInputException("%s must not be negative, got %s".formatted(key, text(value)));
    }
  }

  static String text(Duration value) {
    return value.toMillis() + "ms";
  }

  /** The text of an enum's constant in a file: {@code ONE_HOT} is {@code one-hot}. */
  static String text(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
