/**
 * The language model: what it consists of, how it runs on a kernel, and how text is drawn from it.
 */
@NullMarked
package org.sparkrnn.worker.model;

import org.jspecify.annotations.NullMarked;
