/** Benchmarks of whole training steps in a bare JVM; {@code bench/kernel} runs them. */
package org.sparkrnn.worker.bench;
