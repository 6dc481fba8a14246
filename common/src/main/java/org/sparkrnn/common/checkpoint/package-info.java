/** Checkpoints: directories that are there whole and with checksums, or not there. */
@NullMarked
package org.sparkrnn.common.checkpoint;

import org.jspecify.annotations.NullMarked;
