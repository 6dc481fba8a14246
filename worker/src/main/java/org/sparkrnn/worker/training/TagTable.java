package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.model.ModelSpec;

/** The naive tagger: each token gets the tag that it has most often in training. */
public final class TagTable {
  private TagTable() {}

  /**
   * The share of tags that it gets right; tokens that training does not have get the tag that is
   * most frequent of all.
   */
  public static double accuracy(ModelSpec spec, SequenceSource train, SequenceSource evaluated)
      throws IOException {
    int tags = spec.outputs();
    long[][] counts = new long[spec.vocabulary()][];
    long[] all = new long[tags];
    int longest = 0;
    for (SequenceSource source : new SequenceSource[] {train, evaluated}) {
      for (long i = 0; i < source.size(); i++) {
        longest = Math.max(longest, source.length(i));
      }
    }
    int[] token = new int[longest];
    int[] tag = new int[longest];
    for (long i = 0; i < train.size(); i++) {
      int length = train.length(i);
      train.tokens(i, token, length);
      train.tags(i, tag, length);
      for (int t = 0; t < length; t++) {
        if (counts[token[t]] == null) {
          counts[token[t]] = new long[tags];
        }
        counts[token[t]][tag[t]]++;
        all[tag[t]]++;
      }
    }
    long right = 0;
    long steps = 0;
    for (long i = 0; i < evaluated.size(); i++) {
      int length = evaluated.length(i);
      evaluated.tokens(i, token, length);
      evaluated.tags(i, tag, length);
      for (int t = 0; t < length; t++) {
        long[] known = counts[token[t]];
        right += mostFrequent(known == null ? all : known) == tag[t] ? 1 : 0;
        steps++;
      }
    }
    return (double) right / steps;
  }

  private static int mostFrequent(long[] counts) {
    int most = 0;
    for (int i = 1; i < counts.length; i++) {
      most = counts[i] > counts[most] ? i : most;
    }
    return most;
  }
}
