/**
 * What a run tells about its rounds: listeners, {@code metrics.jsonl}, progress on the terminal.
 */
@NullMarked
package org.sparkrnn.driver.metrics;

import org.jspecify.annotations.NullMarked;
