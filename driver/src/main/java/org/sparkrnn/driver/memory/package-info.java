/**
 * The memory of a training, planned before its first job: what rounds need, what Spark's settings
 * grant, and which setting to change where the one does not fit the other.
 */
@NullMarked
package org.sparkrnn.driver.memory;

import org.jspecify.annotations.NullMarked;
