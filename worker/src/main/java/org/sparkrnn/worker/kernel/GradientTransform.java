package org.sparkrnn.worker.kernel;

/**
 * What happens to a gradient before an optimizer sees it: {@code g' = clamp(g·scale, ±limit) + l2·p
 * + l1·sign(p)}, so that clipping bounds the gradient of the loss alone.
 *
 * @param scale factor from clipping by global norm; 1 if there is none
 * @param limit bound of clipping by value; 0 if there is none
 * @param l2 factor of the gradient of ½‖p‖²; 0 if there is none
 * @param l1 factor of the subgradient of ‖p‖₁, which is 0 at 0; 0 if there is none
 */
public record GradientTransform(float scale, float limit, float l2, float l1) {
  public static final GradientTransform NONE = new GradientTransform(1f, 0f, 0f, 0f);

  /** Whether an element without a gradient changes too. */
  public boolean decays() {
    return l2 != 0 || l1 != 0;
  }
}
