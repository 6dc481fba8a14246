package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSchema;

/**
 * One side of a comparison: {@code CELL} or {@code CELL:KEY=VALUE,KEY=VALUE}, with as many hidden
 * units as bring the number of parameters closest to a given one.
 *
 * @param name of its row and its folder
 * @param settings over those that all sides share
 */
record ComparedCell(String name, List<String> settings) {
  private static final int MOST_UNITS = 1 << 20;

  static ComparedCell parse(String text) {
    int colon = text.indexOf(':');
    String cell = colon < 0 ? text : text.substring(0, colon);
    List<String> settings = new ArrayList<>(List.of("model.cell=" + cell));
    if (colon >= 0) {
      for (String setting : text.substring(colon + 1).split(",", -1)) {
        settings.add(setting.strip());
      }
    }
    String name = text.replaceAll("[^A-Za-z0-9.=,-]+", "-");
    return new ComparedCell(name, List.copyOf(settings));
  }

  /**
   * The settings of its run.
   *
   * @param shared what all sides have on top of the file
   * @param folder holds a run for each side
   * @param parameters to come close to
   */
  TrainingConfig config(
      HadoopFiles files,
      String file,
      List<String> shared,
      String folder,
      ModelSchema schema,
      long parameters)
      throws IOException {
    List<String> overrides = new ArrayList<>(shared);
    overrides.addAll(settings);
    overrides.add("checkpoint.path=" + Files.join(folder, name));
    Sizes sizes =
        units -> {
          List<String> all = new ArrayList<>(overrides);
          all.add("model.hidden=" + units);
          return ConfigFile.load(files, file, all);
        };
    return sizes.of(fittingUnits(sizes, schema, parameters));
  }

  /** The settings with so many hidden units. */
  private interface Sizes {
    TrainingConfig of(int units) throws IOException;

    default long parameters(int units, ModelSchema schema) throws IOException {
      return schema.spec(of(units)).layout().size();
    }
  }

  /** Units whose number of parameters, which grows with them, is nearest to the wished one. */
  private int fittingUnits(Sizes sizes, ModelSchema schema, long parameters) throws IOException {
    int fewest = Collections.max(sizes.of(MOST_UNITS).model().projection()) + 1;
    int below = fewest;
    int above = 2 * fewest;
    while (above < MOST_UNITS && sizes.parameters(above, schema) < parameters) {
      above *= 2;
    }
    while (above - below > 1) {
      int middle = (below + above) / 2;
      if (sizes.parameters(middle, schema) <= parameters) {
        below = middle;
      } else {
        above = middle;
      }
    }
    long missing = parameters - sizes.parameters(below, schema);
    if (missing < 0) {
      throw new BadInputException(
          "Cannot compare %s at %d parameters: with %d units it has %d"
              .formatted(name, parameters, fewest, parameters - missing));
    }
    return missing <= sizes.parameters(above, schema) - parameters ? below : above;
  }
}
