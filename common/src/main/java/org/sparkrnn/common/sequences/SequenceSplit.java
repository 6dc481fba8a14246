package org.sparkrnn.common.sequences;

import java.io.Serializable;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.corpus.Shard;

/**
 * A part of a corpus of sequences.
 *
 * @param sequences how many
 * @param steps of all of them
 * @param longest steps of the longest
 * @param unknownTokens how many tokens were replaced because they are not in the vocabulary
 * @param arrays by what they hold, see {@link SequenceManifest}
 */
public record SequenceSplit(
    long sequences, long steps, int longest, long unknownTokens, SortedMap<String, Shard> arrays)
    implements Serializable {
  public SequenceSplit {
    arrays = Collections.unmodifiableSortedMap(new TreeMap<>(arrays));
  }
}
