/** The command line. */
@NullMarked
package org.sparkrnn.jobs;

import org.jspecify.annotations.NullMarked;
