/** Spark and Hadoop enter here: rounds, averaging, evaluation and the checkpoint store. */
@NullMarked
package org.sparkrnn.driver;

import org.jspecify.annotations.NullMarked;
