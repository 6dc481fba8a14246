package org.sparkrnn.driver.sequences;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.sequences.SequenceSchema.Input;
import org.sparkrnn.common.sequences.SequenceSchema.Output;
import org.sparkrnn.common.sequences.SequenceSchema.Scale;
import org.sparkrnn.common.sequences.SequenceSplit;
import org.sparkrnn.common.sequences.SplitWriter;
import org.sparkrnn.driver.sequences.SequenceRequest.Series;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.driver.tokenize.InputFile;

/**
 * A table of numbers in time: comma separated, the first line names the columns.
 *
 * <p>A sequence has {@code history} rows, its targets are the {@code horizon} rows that follow. A
 * split has the sequences whose targets lie in it, every {@code stride} rows; their history may
 * reach back into the rows before. Scales are those of the training rows.
 */
public final class SeriesTable {
  private static final int MOST_ROWS = 1 << 26;

  private final List<String> columns = new ArrayList<>();
  private final List<Integer> places = new ArrayList<>();
  private final List<double[]> rows = new ArrayList<>();
  private final List<Integer> targets = new ArrayList<>();
  private List<Scale> scales = List.of();
  private int horizon;

  private SeriesTable() {}

  /** Reads the columns that a series asks for; several files follow one another. */
  static SeriesTable read(HadoopFiles files, List<InputFile> inputs, Series series)
      throws IOException {
    SeriesTable table = new SeriesTable();
    table.horizon = series.horizon();
    for (InputFile input : inputs) {
      try (Lines lines = Lines.open(files, input.path())) {
        table.read(lines, series.columns());
      }
    }
    for (String name : series.targets().isEmpty() ? table.columns : series.targets()) {
      int target = table.columns.indexOf(name);
      if (target < 0) {
        throw new BadInputException(
            "Cannot tokenize: the target \"%s\" is not among the columns %s"
                .formatted(name, table.columns));
      }
      table.targets.add(target);
    }
    return table;
  }

  /** The rows of one table with these columns, in their order. */
  public static List<double[]> rows(Lines lines, List<String> columns) throws IOException {
    SeriesTable table = new SeriesTable();
    table.read(lines, columns);
    return table.rows;
  }

  private void read(Lines lines, List<String> wanted) throws IOException {
    boolean[] header = new boolean[1];
    lines.forEach(
        line -> {
          if (line.isBlank()) {
            return;
          }
          String[] cells = line.split(",", -1);
          if (!header[0]) {
            header[0] = true;
            choose(lines, cells, wanted);
          } else {
            rows.add(row(lines, cells));
          }
          if (rows.size() > MOST_ROWS) {
            throw lines.wrong("more than %d rows".formatted(MOST_ROWS));
          }
        });
  }

  private void choose(Lines lines, String[] cells, List<String> wanted) {
    List<String> names = Arrays.stream(cells).map(SeriesTable::unquoted).toList();
    List<String> chosen = wanted.isEmpty() ? names : wanted;
    if (!columns.isEmpty() && !columns.equals(chosen)) {
      throw lines.wrong("its columns are not those of the file before");
    }
    columns.clear();
    places.clear();
    for (String name : chosen) {
      int place = names.indexOf(name);
      if (place < 0) {
        throw lines.wrong("no column is named \"%s\": there are %s".formatted(name, names));
      }
      columns.add(name);
      places.add(place);
    }
  }

  private static String unquoted(String cell) {
    String text = cell.strip();
    boolean quoted = text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"");
    return quoted ? text.substring(1, text.length() - 1) : text;
  }

  private double[] row(Lines lines, String[] cells) {
    double[] row = new double[places.size()];
    for (int i = 0; i < row.length; i++) {
      int place = places.get(i);
      String cell = place < cells.length ? unquoted(cells[place]) : "";
      try {
        row[i] = Double.parseDouble(cell);
      } catch (NumberFormatException e) {
        throw lines.wrong(
            "\"%s\" in column %s is no number; --columns names those to use"
                .formatted(cell, columns.get(i)));
      }
      if (!Float.isFinite((float) row[i])) {
        throw lines.wrong("%s in column %s is not finite".formatted(cell, columns.get(i)));
      }
    }
    return row;
  }

  Vocabulary vocabulary() {
    return Vocabulary.of(Unit.WORD, columns);
  }

  SequenceSchema schema() {
    return new SequenceSchema(
        Input.VALUES,
        Output.TARGETS,
        targets.stream().map(columns::get).toList(),
        scales,
        targets,
        horizon);
  }

  /** Sets the scales and writes the sequences of each split. */
  Map<String, SequenceSplit> write(HadoopFiles files, String output, SequenceRequest request)
      throws IOException {
    int[] ends = ends(request);
    scales = scales(ends[0], request.series().standardise());
    SequenceManifest empty = SequenceManifest.of(vocabulary(), schema(), Map.of());
    Map<String, SequenceSplit> splits = new TreeMap<>();
    int begin = 0;
    for (int split = 0; split < ends.length; split++) {
      int first = Math.max(begin, request.series().history());
      int last = ends[split] - horizon;
      if (ends[split] > begin) {
        String name = Split.NAMES.get(split);
        if (last < first) {
          throw new BadInputException(
              "Cannot tokenize: the %d rows of split %s are too few for a history of %d and a horizon of %d"
                  .formatted(ends[split] - begin, name, request.series().history(), horizon));
        }
        splits.put(name, write(files, output, name, empty, request.series(), first, last));
      }
      begin = ends[split];
    }
    return splits;
  }

  private int[] ends(SequenceRequest request) {
    int[] ends = new int[Split.NAMES.size()];
    double sum = 0;
    for (int split = 0; split < ends.length; split++) {
      if (!request.series().rows().isEmpty()) {
        sum += request.series().rows().get(split);
        ends[split] = (int) Math.min(Integer.MAX_VALUE, (long) sum);
      } else if (request.splitPercent().isEmpty()) {
        ends[split] = rows.size();
      } else {
        sum += request.splitPercent().get(split);
        ends[split] = split == 2 ? rows.size() : (int) Math.floor(rows.size() * sum / 100);
      }
    }
    if (ends[2] > rows.size()) {
      throw new BadInputException(
          "Cannot tokenize: %d rows are asked for, there are %d".formatted(ends[2], rows.size()));
    }
    return ends;
  }

  /** Mean and deviation (of the population) of the first rows. */
  private List<Scale> scales(int count, boolean standardise) {
    List<Scale> result = new ArrayList<>();
    for (int column = 0; column < columns.size(); column++) {
      double sum = 0;
      for (int row = 0; row < count; row++) {
        sum += rows.get(row)[column];
      }
      double mean = sum / count;
      double squares = 0;
      for (int row = 0; row < count; row++) {
        double difference = rows.get(row)[column] - mean;
        squares += difference * difference;
      }
      double deviation = StrictMath.sqrt(squares / count);
      boolean scalable = standardise && deviation > 0;
      result.add(scalable ? new Scale(mean, deviation) : new Scale(0, 1));
    }
    return result;
  }

  private SequenceSplit write(
      HadoopFiles files,
      String output,
      String name,
      SequenceManifest manifest,
      Series series,
      int first,
      int last)
      throws IOException {
    int history = series.history();
    int sequences = (last - first) / series.stride() + 1;
    float[] values = new float[Math.multiplyExact(history, columns.size())];
    float[] predicted = new float[manifest.outputs()];
    try (SplitWriter writer =
        new SplitWriter(files, output, name, manifest, sequences, (long) sequences * history)) {
      for (int i = 0; i < sequences; i++) {
        int row = first + i * series.stride();
        for (int j = 0; j < values.length; j++) {
          int column = j % columns.size();
          values[j] =
              scales.get(column).apply(rows.get(row - history + j / columns.size())[column]);
        }
        for (int j = 0; j < predicted.length; j++) {
          int column = targets.get(j % targets.size());
          predicted[j] = scales.get(column).apply(rows.get(row + j / targets.size())[column]);
        }
        writer.write(values, history, predicted);
      }
      return writer.finish(0);
    }
  }
}
