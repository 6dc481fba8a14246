/** Counter-based random numbers: the same in Java and C, at any place and in any order. */
@NullMarked
package org.sparkrnn.worker.random;

import org.jspecify.annotations.NullMarked;
