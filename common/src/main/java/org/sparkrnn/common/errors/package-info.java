/** Failures that end the program with an exit code of their own. */
@NullMarked
package org.sparkrnn.common.errors;

import org.jspecify.annotations.NullMarked;
