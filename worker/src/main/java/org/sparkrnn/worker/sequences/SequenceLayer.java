package org.sparkrnn.worker.sequences;

import java.util.List;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;

/**
 * One layer of a model of sequences: a recurrent layer forwards and, if there are two directions,
 * one that reads each sequence from its own end.
 *
 * <p>Sequences begin at step 0 and are padded behind. So the first direction needs no mask: what it
 * computes for padding reaches no other step, and as nobody reads it, its gradient is zero. The
 * second direction is a layer of the same kind on the rows of each sequence in reverse order, which
 * {@code moveRows} makes and undoes. A batch thus gives each sequence the bits that it has alone.
 *
 * @param sum whether the outputs of two directions are added, not put side by side
 * @param residual whether the input is added to the output
 * @param input what the layer reads; absent if that is tokens
 * @param dInput gradient by it; absent if nobody needs it
 * @param output of both directions; what the next layer reads, unless dropout is between
 * @param dOutput gradient by it
 */
record SequenceLayer(
    Kernel kernel,
    boolean sum,
    boolean residual,
    List<RecurrentLayer> directions,
    Matrix input,
    Matrix dInput,
    Matrix output,
    Matrix dOutput) {

  void pack() {
    directions.forEach(kernel::pack);
  }

  private RecurrentLayer forwards() {
    return directions.get(0);
  }

  private RecurrentLayer backwards() {
    return directions.get(1);
  }

  private boolean two() {
    return directions.size() == 2;
  }

  private int units() {
    return forwards().outputUnits();
  }

  /** Column of {@link #output} at which the second direction stands. */
  private int second() {
    return sum ? 0 : units();
  }

  private static int rows(SequenceBatch batch) {
    return batch.time() * batch.streams();
  }

  /** Runs both directions. */
  void run(SequenceBatch batch) {
    kernel.forward(forwards(), batch.time(), batch.tokens());
    if (two()) {
      if (!input.isAbsent()) {
        int[] rows = batch.reversed();
        kernel.moveRows(input, 0, rows, rows(batch), backwards().x(), 0, input.columns(), false);
      }
      kernel.forward(backwards(), batch.time(), batch.reversedTokens());
    }
  }

  /** Puts the outputs of both directions together, in the order of the sequence, and the input. */
  void join(SequenceBatch batch) {
    if (residual && !two()) {
      Matrix hidden = forwards().output(batch.time());
      hidden.arena().copy(hidden.offset(), output.offset(), (long) rows(batch) * hidden.stride());
    }
    if (two()) {
      int steps = batch.time();
      kernel.moveRows(
          forwards().output(steps), 0, batch.present(), rows(batch), output, 0, units(), false);
      kernel.moveRows(
          backwards().output(steps),
          0,
          batch.reversed(),
          rows(batch),
          output,
          second(),
          units(),
          sum);
    }
    if (residual) {
      kernel.addDifference(input, nothing(), rows(batch), 1f, output);
    }
  }

  private Matrix nothing() {
    return Matrix.absent(output.arena());
  }

  /** The reverse of {@link #join}: from {@link #dOutput} to the directions' gradients. */
  void split(SequenceBatch batch) {
    if (two()) {
      kernel.moveRows(
          dOutput,
          0,
          batch.present(),
          rows(batch),
          forwards().dHiddenSequence(),
          0,
          units(),
          false);
      kernel.moveRows(
          dOutput,
          second(),
          batch.reversed(),
          rows(batch),
          backwards().dHiddenSequence(),
          0,
          units(),
          false);
    }
  }

  /**
   * The states after each sequence's last step of each direction, side by side or added, and what
   * was the input there.
   */
  void lastStates(SequenceBatch batch, Matrix features) {
    int[] rows = batch.featureRows();
    int[] starts = batch.present(); // sequence b begins at position b
    int count = batch.count();
    kernel.moveRows(forwards().output(batch.time()), 0, rows, count, features, 0, units(), false);
    if (two()) {
      kernel.moveRows(
          backwards().output(batch.time()), 0, rows, count, features, second(), units(), sum);
    }
    if (residual) {
      kernel.moveRows(input, 0, rows, count, features, 0, units(), true);
    }
    if (residual && two()) {
      kernel.moveRows(input, second(), starts, count, features, second(), units(), true);
    }
  }

  /** The reverse of {@link #lastStates}, but for the input. */
  void lastStateGradients(SequenceBatch batch, Matrix dFeatures) {
    int[] rows = batch.featureOf();
    kernel.moveRows(
        dFeatures, 0, rows, rows(batch), forwards().dHiddenSequence(), 0, units(), false);
    if (two()) {
      kernel.moveRows(
          dFeatures, second(), rows, rows(batch), backwards().dHiddenSequence(), 0, units(), false);
    }
  }

  /** After {@link #backward}: what {@link #lastStates} took from the input. */
  void addLastInputGradients(SequenceBatch batch, Matrix dFeatures) {
    int[] starts = batch.present();
    if (residual) {
      kernel.moveRows(dFeatures, 0, batch.featureOf(), rows(batch), dInput, 0, units(), true);
    }
    if (residual && two()) {
      kernel.moveRows(dFeatures, second(), starts, batch.count(), dInput, second(), units(), true);
    }
  }

  /** After {@link #backward}: what {@link #join} took from the input. */
  void addInputGradients(SequenceBatch batch) {
    if (residual) {
      kernel.addDifference(dOutput, nothing(), rows(batch), 1f, dInput);
    }
  }

  /** From the gradients by the directions' outputs to those by parameters and input. */
  void backward(SequenceBatch batch) {
    for (RecurrentLayer direction : directions) {
      direction.dHidden().zero();
      direction.dCell().zero();
    }
    kernel.backward(forwards(), batch.time(), batch.tokens());
    if (two()) {
      kernel.backward(backwards(), batch.time(), batch.reversedTokens());
      if (!dInput.isAbsent()) {
        int[] rows = batch.reversed();
        kernel.moveRows(backwards().dx(), 0, rows, rows(batch), dInput, 0, dInput.columns(), true);
      }
    }
  }
}
