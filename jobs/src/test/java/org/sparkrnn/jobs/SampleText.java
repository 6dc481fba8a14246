package org.sparkrnn.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Small generated texts: sentences of a few words, so that a small model learns something. */
final class SampleText {
  private static final String[] SUBJECTS = {"the cat", "a dog", "the old man", "nobody", "Zoë"};
  private static final String[] VERBS = {"sees", "likes", "remembers", "follows"};
  private static final String[] OBJECTS = {"the sea", "a red house", "the moon", "bread", "winter"};

  private SampleText() {}

  /** A file of about that many characters. */
  static Path write(Path file, int characters, long seed) throws IOException {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder();
    while (text.length() < characters) {
      text.append(pick(SUBJECTS, random)).append(' ').append(pick(VERBS, random)).append(' ');
      text.append(pick(OBJECTS, random)).append(".\n");
    }
    return Files.writeString(file, text);
  }

  private static String pick(String[] words, Random random) {
    return words[random.nextInt(words.length)];
  }
}
