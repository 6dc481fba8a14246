package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkrnn.worker.kernel.LayerFixture.shape;
import static org.sparkrnn.worker.kernel.LayerFixture.withoutGradients;

import org.junit.jupiter.api.Test;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/** Layout of the buffers, and that wrong ones are refused before a kernel sees them. */
class RecurrentLayerTest {
  /** Without gradients. */
  private static final LayerShape GRU = withoutGradients(shape(CellKind.GRU, 2, 3, 4, 5, true));

  @Test
  void gateColumnsAreBlockedBySixteenUnits() {
    assertThat(CellKind.LSTM.gateColumns(17)).isEqualTo(4 * 32);
    assertThat(CellKind.LSTM.gateColumn(0, 0)).isZero();
    assertThat(CellKind.LSTM.gateColumn(3, 15)).isEqualTo(63);
    assertThat(CellKind.LSTM.gateColumn(0, 16)).isEqualTo(64);
    assertThat(CellKind.GRU.gateColumn(2, 18)).isEqualTo(64 + 2 * 16 + 2);
  }

  @Test
  void stateIsReadAndWrittenWithoutPadding() {
    LayerShape shape = shape(CellKind.LSTM, 2, 3, 4, 5, false);
    try (LayerFixture fixture = new LayerFixture(new JavaKernel(), shape)) {
      float[] state = new float[2 * 3 * 5];
      for (int i = 0; i < state.length; i++) {
        state[i] = i + 1;
      }
      fixture.layer.writeState(state, 0);
      assertThat(fixture.layer.hidden().rows(1, 1).toArray()).containsExactly(6, 7, 8, 9, 10);
      assertThat(fixture.layer.cellState().rows(0, 1).toArray())
          .containsExactly(16, 17, 18, 19, 20);
      assertThat(LayerFixture.withPadding(fixture.layer.hidden().rows(0, 1)))
          .containsExactly(1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      float[] copy = new float[state.length];
      fixture.layer.readState(copy, 0);
      assertThat(copy).isEqualTo(state);
    }
  }

  @Test
  void weightsOfAnotherShapeAreRefused() {
    ArenaPlan plan = new ArenaPlan();
    Region weights = plan.region("weights", 1000);
    Kernel kernel = new JavaKernel();
    RecurrentLayer.Plan layer = RecurrentLayer.plan(plan, kernel, "layer", GRU);
    Arena arena = kernel.allocate(plan);
    Matrix none = Matrix.absent(arena);
    RecurrentParameters parameters =
        new RecurrentParameters(
            weights.dense(arena, 0, 15, 4),
            weights.dense(arena, 60, 20, 5),
            weights.dense(arena, 160, 1, 15),
            weights.dense(arena, 175, 1, 15),
            none,
            none,
            none,
            none,
            none,
            none);
    assertThatThrownBy(
            () -> layer.bind(arena, parameters, RecurrentParameters.absent(arena), none, none))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot use weight_hh of shape [20, 5]: expected [15, 5]");
  }

  @Test
  void onlyACellStateIsProjectedAndToFewerColumns() {
    assertThatThrownBy(() -> shape(CellKind.GRU, 1, 1, 3, 5, 4, false, Zoneout.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot project 5 units of GRU to 4");
    assertThatThrownBy(() -> shape(CellKind.LSTM, 1, 1, 3, 5, 6, false, Zoneout.NONE))
        .hasMessage("Cannot project 5 units of LSTM to 6");
  }

  @Test
  void onlyACellStateIsKept() {
    assertThatThrownBy(() -> shape(CellKind.GRU, 1, 1, 3, 5, false, new Zoneout(0, 0.1f)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot keep cell states: GRU has none");
  }

  @Test
  void backwardNeedsALayerThatWasPlannedForIt() {
    ArenaPlan plan = new ArenaPlan();
    Region weights = plan.region("weights", 165);
    Kernel kernel = new JavaKernel();
    RecurrentLayer.Plan planned = RecurrentLayer.plan(plan, kernel, "layer", GRU);
    Arena arena = kernel.allocate(plan);
    Matrix none = Matrix.absent(arena);
    RecurrentLayer layer =
        planned.bind(
            arena,
            RecurrentParameters.of(weights.vector(arena), 0, GRU),
            RecurrentParameters.absent(arena),
            none,
            none);
    kernel.pack(layer);
    kernel.forward(layer, 1, new int[3]);
    assertThatThrownBy(() -> kernel.backward(layer, 1, new int[3]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("planned without it");
  }

  @Test
  void windowsOutsideTheirRegionOrArenaAreRefused() {
    ArenaPlan plan = new ArenaPlan();
    Region region = plan.region("small", 10);
    Arena arena = new HeapArena(plan.floats());
    assertThatThrownBy(() -> region.dense(arena, 5, 2, 3))
        .hasMessage("Cannot view [2, 3] in region small of 10 floats");
    assertThatThrownBy(() -> new Matrix(arena, 10, 2, 4, 4))
        .hasMessageContaining("in an arena of 16 floats");
    assertThatThrownBy(() -> new Matrix(arena, 0, 2, 4, 3)).hasMessageContaining("stride 3");
  }
}
