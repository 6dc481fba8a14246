package org.sparkrnn.worker.kernel;

/**
 * What happens to a gradient before an optimizer sees it: {@code g' = clamp(g·scale, ±limit)}.
 *
 * @param scale factor from clipping by global norm; 1 if there is none
 * @param limit bound of clipping by value; 0 if there is none
 */
public record GradientScaling(float scale, float limit) {
  public static final GradientScaling NONE = new GradientScaling(1f, 0f);
}
