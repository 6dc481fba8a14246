/**
 * The arithmetic of one training task, in operations coarse enough for one native call each, and
 * the memory it works on. {@link org.sparkrnn.worker.kernel.JavaKernel} is the readable definition;
 * every other kernel gives the same bits.
 */
@NullMarked
package org.sparkrnn.worker.kernel;

import org.jspecify.annotations.NullMarked;
