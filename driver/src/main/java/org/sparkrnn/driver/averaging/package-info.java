/**
 * The average of the replicas: vectors cut into slices, each of which one reducer sums in replica
 * order.
 */
@NullMarked
package org.sparkrnn.driver.averaging;

import org.jspecify.annotations.NullMarked;
