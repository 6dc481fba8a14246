/**
 * Sequences of different lengths: in which order an epoch takes them, how some of them become a
 * padded batch, and the model that reads one.
 */
@NullMarked
package org.sparkrnn.worker.sequences;

import org.jspecify.annotations.NullMarked;
