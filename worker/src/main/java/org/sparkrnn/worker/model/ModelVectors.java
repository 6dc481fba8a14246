package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Matrix;

/**
 * The vectors of a model that have the parameters' layout, one row each, in its arena.
 *
 * @param gradients absent in a model that only runs forward
 * @param moments what the optimizer keeps, zero at the start
 */
public record ModelVectors(
    ParameterLayout layout, Matrix parameters, Matrix gradients, List<Matrix> moments) {

  /** Plans the vectors; {@link Plan#bind} makes them when the arena is there. */
  public static Plan plan(ArenaPlan arena, ModelSpec spec, boolean training, int momentVectors) {
    ParameterLayout layout = spec.layout();
    Region parameters = arena.region("parameters", layout.size());
    Region gradients = arena.region("gradients", training ? layout.size() : 0);
    List<Region> moments = new ArrayList<>();
    for (int i = 0; i < momentVectors; i++) {
      moments.add(arena.region("moments" + i, layout.size()));
    }
    return new Plan(layout, parameters, gradients, moments);
  }

  /** The blocks of the parameters. */
  public ParameterViews weights() {
    return new ParameterViews(parameters.arena(), layout, parameters);
  }

  /** The blocks of the gradients; absent if there are none. */
  public ParameterViews dWeights() {
    return new ParameterViews(parameters.arena(), layout, gradients);
  }

  /** The regions of the vectors. */
  public record Plan(
      ParameterLayout layout, Region parameters, Region gradients, List<Region> moments) {

    public ModelVectors bind(Arena arena) {
      return new ModelVectors(
          layout,
          row(arena, parameters),
          gradients.floats() == 0 ? Matrix.absent(arena) : row(arena, gradients),
          moments.stream().map(region -> row(arena, region)).toList());
    }

    private Matrix row(Arena arena, Region region) {
      return region.dense(arena, 0, 1, layout.size());
    }
  }
}
