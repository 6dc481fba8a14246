/** The loss of a model on a split of the corpus, one stream of tokens after the other. */
@NullMarked
package org.sparkrnn.driver.evaluation;

import org.jspecify.annotations.NullMarked;
