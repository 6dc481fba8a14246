/**
 * The whole language model in double precision, slow and plain: what finite differences are checked
 * on and what the kernels are measured against. No training runs on it.
 */
@NullMarked
package org.sparkrnn.worker.reference;

import org.jspecify.annotations.NullMarked;
