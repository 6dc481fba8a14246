/**
 * The command line: what a user types, sees and gets as an exit code.
 *
 * <p>Read {@link org.sparkrnn.jobs.Main}, then {@code TrainCommand}.
 */
@NullMarked
package org.sparkrnn.jobs;

import org.jspecify.annotations.NullMarked;
