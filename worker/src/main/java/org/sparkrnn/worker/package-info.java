/** Everything one task does, in a bare JVM. */
@NullMarked
package org.sparkrnn.worker;

import org.jspecify.annotations.NullMarked;
