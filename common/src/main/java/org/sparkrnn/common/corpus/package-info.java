/** Tokenized text in files: vocabulary, shards, manifest, and the verified reading of them. */
@NullMarked
package org.sparkrnn.common.corpus;

import org.jspecify.annotations.NullMarked;
