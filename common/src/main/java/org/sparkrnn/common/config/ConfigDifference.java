package org.sparkrnn.common.config;

/**
 * A setting that two configurations disagree about though it decides results.
 *
 * @param key such as {@code model.hidden}
 * @param value its value in the one that was asked
 * @param otherValue its value in the other
 */
public record ConfigDifference(String key, String value, String otherValue) {
  @Override
  public String toString() {
    return "%s is %s, was %s".formatted(key, value, otherValue);
  }
}
