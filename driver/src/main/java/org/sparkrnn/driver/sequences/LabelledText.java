package org.sparkrnn.driver.sequences;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.sequences.SequenceRequest.Format;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.driver.tokenize.InputFile;

/** The sequences of text files: their tokens, and a label or tags. */
final class LabelledText {
  private final HadoopFiles files;
  private final SequenceRequest request;

  LabelledText(HadoopFiles files, SequenceRequest request) {
    this.files = files;
    this.request = request;
  }

  /** Takes one sequence after the other. */
  @FunctionalInterface
  interface Visitor {
    /**
     * The next sequence.
     *
     * @param classes one, or one for each token
     */
    void sequence(List<String> tokens, List<String> classes) throws IOException;
  }

  /** Reads all sequences of some files, in order. */
  void forEach(List<InputFile> inputs, Visitor visitor) throws IOException {
    for (InputFile input : inputs) {
      try (Lines lines = Lines.open(files, input.path())) {
        switch (request.format()) {
          case LABELLED -> lines.forEach(line -> labelled(lines, line, visitor));
          case FILES -> {
            List<String> label = List.of(label(input.path()));
            lines.forEach(line -> text(line, label, visitor));
          }
          case TAGGED, CONLLU -> new TaggedLines(lines, visitor).read();
          case NUMBERS -> throw new IllegalStateException("Cannot read a table as text");
        }
      }
    }
  }

  private void labelled(Lines lines, String line, Visitor visitor) throws IOException {
    if (line.isBlank()) {
      return;
    }
    int end = 0;
    while (end < line.length() && line.charAt(end) != '\t' && line.charAt(end) != ' ') {
      end++;
    }
    if (end == 0 || end >= line.length() - 1) {
      throw lines.wrong("expected a label, a tab or space, and a text");
    }
    text(line.substring(end + 1), List.of(line.substring(0, end)), visitor);
  }

  private static String label(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    int dot = name.indexOf('.');
    return dot > 0 ? name.substring(0, dot) : name;
  }

  private void text(String text, List<String> label, Visitor visitor) throws IOException {
    List<String> tokens = tokens(request.unit(), text);
    if (!tokens.isEmpty()) {
      visitor.sequence(tokens, label);
    }
  }

  /** The tokens of a text: its code points, or what stands between ASCII white space. */
  static List<String> tokens(Unit unit, String text) {
    List<String> tokens = new ArrayList<>();
    if (unit == Unit.CHAR) {
      text.codePoints().forEach(point -> tokens.add(Character.toString(point)));
      return tokens;
    }
    for (String word : text.split("[ \\t\\x0B\\f\\r]+", -1)) {
      if (!word.isEmpty()) {
        tokens.add(word);
      }
    }
    return tokens;
  }

  /** Columns of a token's line; sequences end with an empty line. */
  private final class TaggedLines {
    private final Lines lines;
    private final Visitor visitor;
    private final boolean conllu = request.format() == Format.CONLLU;
    private final List<String> tokens = new ArrayList<>();
    private final List<String> tags = new ArrayList<>();

    TaggedLines(Lines lines, Visitor visitor) {
      this.lines = lines;
      this.visitor = visitor;
    }

    void read() throws IOException {
      lines.forEach(this::line);
      end();
    }

    private void line(String line) throws IOException {
      if (line.isBlank()) {
        end();
        return;
      }
      if (conllu && line.startsWith("#")) {
        return;
      }
      String[] columns = line.split(conllu || line.indexOf('\t') >= 0 ? "\t" : " +", -1);
      int last = Math.max(request.tokenColumn(), request.tagColumn());
      if (columns.length < last) {
        throw lines.wrong("expected at least %d columns, got %d".formatted(last, columns.length));
      }
      if (conllu && (columns[0].indexOf('-') >= 0 || columns[0].indexOf('.') >= 0)) {
        return; // several tokens in one word, or one that is not in the text
      }
      String token = columns[request.tokenColumn() - 1];
      String tag = columns[request.tagColumn() - 1];
      if (token.isEmpty() || tag.isEmpty()) {
        throw lines.wrong("a token or its tag is empty");
      }
      tokens.add(token);
      tags.add(tag);
    }

    private void end() throws IOException {
      if (!tokens.isEmpty()) {
        visitor.sequence(tokens, tags);
        tokens.clear();
        tags.clear();
      }
    }
  }
}
