package org.sparkrnn.worker.training;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The loss of a model on a split.
 *
 * @param tokens tokens of the split
 * @param streams streams it was cut into
 * @param predictions labels
 * @param unknown labels that are the unknown token
 * @param lossSumNats summed in stream order
 */
public record Evaluation(
    long tokens, int streams, long predictions, long unknown, double lossSumNats)
    implements Measured {

  /**
   * The sum over all streams, whatever the order of the parts.
   *
   * @throws IllegalArgumentException if a stream is missing or there twice
   */
  public static Evaluation of(long tokens, int streams, List<StreamLosses> parts) {
    List<StreamLosses> ordered = new ArrayList<>(parts);
    ordered.sort(Comparator.comparingInt(StreamLosses::firstStream));
    int next = 0;
    long predictions = 0;
    long unknown = 0;
    double lossSumNats = 0;
    for (StreamLosses part : ordered) {
      if (part.firstStream() != next) {
        throw new IllegalArgumentException(
            "Cannot sum an evaluation: stream %d follows stream %d"
                .formatted(part.firstStream(), next - 1));
      }
      for (int i = 0; i < part.streams(); i++) {
        predictions += part.predictions()[i];
        unknown += part.unknown()[i];
        lossSumNats += part.lossSumsNats()[i];
      }
      next += part.streams();
    }
    if (next != streams) {
      throw new IllegalArgumentException(
          "Cannot sum an evaluation: %d of %d streams".formatted(next, streams));
    }
    return new Evaluation(tokens, streams, predictions, unknown, lossSumNats);
  }

  @Override
  public double loss() {
    return natsPerToken();
  }

  @Override
  public String summary() {
    return String.format(
        Locale.ROOT, "%.4f nats per token, perplexity %.2f", natsPerToken(), perplexity());
  }

  public double natsPerToken() {
    return lossSumNats / predictions;
  }

  public double perplexity() {
    return StrictMath.exp(natsPerToken());
  }

  public double bitsPerToken() {
    return natsPerToken() / StrictMath.log(2);
  }

  /** Share of the labels that are the unknown token. */
  public double oovShare() {
    return (double) unknown / predictions;
  }

  @Override
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("tokens", tokens);
    fields.put("predictions", predictions);
    fields.put("streams", streams);
    fields.put("nats_per_token", natsPerToken());
    fields.put("perplexity", perplexity());
    fields.put("bits_per_token", bitsPerToken());
    fields.put("oov_share", oovShare());
    return fields;
  }
}
