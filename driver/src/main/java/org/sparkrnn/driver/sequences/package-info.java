/**
 * From text and tables to corpora of sequences. Read {@code SequenceTokenizer}.
 *
 * <p>The driver alone does it, reading its input as often as it must and keeping none of it: what
 * has labels is small beside the text that language models are trained on.
 */
@NullMarked
package org.sparkrnn.driver.sequences;

import org.jspecify.annotations.NullMarked;
