/**
 * Text files to a corpus, as Spark jobs: the driver cuts the files into byte ranges, tasks count
 * the kinds of tokens, then encode the ranges and write shards. What reaches the driver is counts,
 * never tokens.
 */
@NullMarked
package org.sparkrnn.driver.tokenize;

import org.jspecify.annotations.NullMarked;
