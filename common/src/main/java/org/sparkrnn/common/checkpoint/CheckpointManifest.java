package org.sparkrnn.common.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.JsonObject;
import org.sparkrnn.common.storage.SafeName;
import org.sparkrnn.common.storage.SealedJson;

/**
 * What makes a directory a checkpoint: its step, and size and SHA-256 of each of its files.
 *
 * @param bestStepOrMinusOne the best step of the run as far as this checkpoint knows
 * @param files by name
 */
record CheckpointManifest(long step, long bestStepOrMinusOne, Map<String, Part> files) {
  static final String FILE = "manifest.json";
  static final int MAX_FILE_BYTES = 1 << 26;

  private static final String FORMAT = "spark-rnn checkpoint";
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  /** One file of a checkpoint. */
  record Part(long bytes, String sha256) {}

  CheckpointManifest {
    files = java.util.Collections.unmodifiableMap(new TreeMap<>(files));
  }

  OptionalLong bestStep() {
    return bestStepOrMinusOne < 0 ? OptionalLong.empty() : OptionalLong.of(bestStepOrMinusOne);
  }

  byte[] toJson() {
    List<Map<String, Object>> parts = new ArrayList<>();
    files.forEach(
        (name, part) ->
            parts.add(
                new TreeMap<>(Map.of("name", name, "bytes", part.bytes, "sha256", part.sha256))));
    Map<String, Object> object = new TreeMap<>();
    object.put("format", FORMAT);
    object.put("version", 1);
    object.put("step", step);
    if (bestStepOrMinusOne >= 0) {
      object.put("best_step", bestStepOrMinusOne);
    }
    object.put("files", parts);
    return SealedJson.bytes(object);
  }

  static CheckpointManifest parse(byte[] json, String path) throws CorruptFileException {
    JsonObject object = SealedJson.parse(json, path);
    if (!object.text("format").equals(FORMAT)) {
      throw object.wrong("format", "\"" + FORMAT + "\"");
    }
    if (object.integer("version", 1) != 1) {
      throw object.wrong("version", "1");
    }
    Map<String, Part> files = new TreeMap<>();
    for (JsonObject part : object.objects("files")) {
      String name = SafeName.require(part.text("name"), path);
      String sha256 = part.text("sha256");
      if (!SHA256.matcher(sha256).matches()) {
        throw part.wrong("sha256", "64 hexadecimal digits");
      }
      if (files.put(name, new Part(part.integer("bytes", 0), sha256)) != null) {
        throw part.wrong("name", "listed once");
      }
    }
    return new CheckpointManifest(
        object.integer("step", 0),
        object.has("best_step") ? object.integer("best_step", 0) : -1,
        files);
  }
}
