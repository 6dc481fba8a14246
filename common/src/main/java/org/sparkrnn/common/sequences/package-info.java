/**
 * Corpora of sequences of different lengths, each with what is to be predicted: labels, tags or
 * numbers. Their schema, manifest, and the verified reading of them.
 */
@NullMarked
package org.sparkrnn.common.sequences;

import org.jspecify.annotations.NullMarked;
