/** Where each named block of a model's parameters lies in the one flat vector. */
@NullMarked
package org.sparkrnn.common.parameters;

import org.jspecify.annotations.NullMarked;
