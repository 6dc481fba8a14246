package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * Scans the ranges of a task one after the other and gives what the subclass makes of them, buffer
 * by buffer: a range may be larger than memory.
 */
abstract class RangeScan<T> implements Iterator<T>, TokenVisitor {
  private final HadoopFiles files;
  private final Iterator<TextRange> ranges;
  private final Unit unit;
  private final boolean replaceInvalid;
  private final Queue<T> ready = new ArrayDeque<>();
  private @Nullable TextRange range;
  private @Nullable TextScanner scanner;
  private boolean ended;

  RangeScan(HadoopFiles files, List<TextRange> ranges, Unit unit, boolean replaceInvalid) {
    this.files = files;
    this.ranges = ranges.iterator();
    this.unit = unit;
    this.replaceInvalid = replaceInvalid;
    TaskContext task = TaskContext.get();
    if (task != null) {
      task.addTaskCompletionListener((TaskCompletionListener) ignored -> closeScanner());
    }
  }

  /** Called before the tokens of a range. */
  abstract void beginRange(TextRange next) throws IOException;

  /** Called after some tokens of a range. */
  abstract void afterBuffer();

  /** Called after the last token of a range. */
  abstract void endRange(TextRange last) throws IOException;

  /**
   * Called when the text of a range cannot be tokenized; the others of the task are not scanned.
   */
  abstract void problem(TextRange current, TextProblemException problem) throws IOException;

  /** Called at the end of the task, after a problem too. */
  abstract void end();

  final void emit(T value) {
    ready.add(value);
  }

  @Override
  public final boolean hasNext() {
    try {
      while (ready.isEmpty() && !ended) {
        step();
      }
    } catch (IOException e) {
      closeScanner();
      throw new UncheckedIOException(e.getMessage(), e);
    }
    return !ready.isEmpty();
  }

  @Override
  public final T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void step() throws IOException {
    if (scanner != null && range != null) {
      advance(range, scanner);
    } else if (ranges.hasNext()) {
      open(ranges.next());
    } else {
      ended = true;
      end();
    }
  }

  private void open(TextRange next) throws IOException {
    beginRange(next);
    range = next;
    try {
      scanner = new TextScanner(files, next, unit, replaceInvalid);
    } catch (TextProblemException e) {
      stop(next, e);
    }
  }

  private void advance(TextRange current, TextScanner open) throws IOException {
    try {
      if (open.advance(this)) {
        afterBuffer();
      } else {
        closeScanner();
        endRange(current);
      }
    } catch (TextProblemException e) {
      stop(current, e);
    }
  }

  private void stop(TextRange current, TextProblemException problem) throws IOException {
    closeScanner();
    ended = true;
    problem(current, problem);
    end();
  }

  private void closeScanner() {
    if (scanner != null) {
      try {
        scanner.close();
      } catch (IOException e) {
        // It was only read from.
      }
      scanner = null;
    }
  }
}
