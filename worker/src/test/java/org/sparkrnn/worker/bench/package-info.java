/** Benchmarks of whole training steps in a bare JVM; {@code bench/run} runs them. */
package org.sparkrnn.worker.bench;
