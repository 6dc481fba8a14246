package org.sparkrnn.worker.training;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.CheckpointWriter;
import org.sparkrnn.common.checkpoint.Safetensors;
import org.sparkrnn.common.checkpoint.Tensor;
import org.sparkrnn.common.config.ConfigDifference;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.storage.HeapLimit;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * What a checkpoint of a training run holds, written and read by every trainer alike, so that equal
 * runs leave equal bytes:
 *
 * <ul>
 *   <li>{@code model.safetensors}: the parameters under PyTorch's names
 *   <li>{@code optimizer.safetensors}: vectors of the outer optimizer, if it has any
 *   <li>{@code replica-R.safetensors}: hidden state {@code hidden_l0, cell_l0 [streams, hidden]} …,
 *       the optimizer's moments such as {@code mean.…}, and {@code optimizer_steps [2]}, their
 *       updates as multiple of 2²⁴ and rest
 *   <li>{@code state.json}, {@code config.json}, {@code vocabulary.json}, for models of sequences
 *       {@code schema.json}; and {@code run.json}, which is not compared: times, hosts, versions
 * </ul>
 */
public final class TrainingCheckpoint {
  private static final String MODEL = "model.safetensors";
  private static final String OUTER = "optimizer.safetensors";
  private static final String TRAINED = "parameters";
  private static final String STATE = "state.json";
  private static final String CONFIG = "config.json";
  private static final String RUN = "run.json";
  private static final int MAX_JSON_BYTES = 1 << 20;
  private static final String OPTIMIZER_STEPS = "optimizer_steps";
  private static final int STEPS_BASE = 1 << 24; // a float holds integers up to here

  private final Checkpoint checkpoint;
  private final TrainingConfig config;
  private final ModelSchema schema;
  private final ModelSpec spec;
  private final TrainingState state;

  private TrainingCheckpoint(Checkpoint checkpoint) throws IOException {
    this.checkpoint = checkpoint;
    this.config =
        TrainingConfig.ofCheckpoint(
            checkpoint.bytes(CONFIG, MAX_JSON_BYTES), checkpoint.pathOf(CONFIG));
    this.schema = schemaOf(checkpoint, config);
    this.spec = specOf(schema, config, checkpoint);
    this.state =
        TrainingState.fromJson(checkpoint.bytes(STATE, MAX_JSON_BYTES), checkpoint.pathOf(STATE));
    requireConsistent();
  }

  private static ModelSchema schemaOf(Checkpoint checkpoint, TrainingConfig config)
      throws IOException {
    Vocabulary vocabulary =
        Vocabulary.parse(
            checkpoint.bytes(Vocabulary.FILE, Vocabulary.MAX_FILE_BYTES),
            checkpoint.pathOf(Vocabulary.FILE));
    if (!config.task().isOfSequences()) {
      return ModelSchema.of(vocabulary);
    }
    String path = checkpoint.pathOf(SequenceSchema.FILE);
    if (!checkpoint.has(SequenceSchema.FILE)) {
      throw new CorruptFileException("Cannot read %s: it is missing".formatted(path));
    }
    SequenceSchema sequences =
        SequenceSchema.parse(
            checkpoint.bytes(SequenceSchema.FILE, SequenceSchema.MAX_FILE_BYTES), path);
    return new ModelSchema(vocabulary, List.of(sequences));
  }

  private static ModelSpec specOf(ModelSchema schema, TrainingConfig config, Checkpoint checkpoint)
      throws CorruptFileException {
    try {
      return schema.spec(config);
    } catch (BadInputException e) {
      throw new CorruptFileException(
          "Cannot read %s: %s".formatted(checkpoint.pathOf(CONFIG), e.getMessage()), e);
    }
  }

  /** Each file is what its writer wrote; they may still be of different checkpoints. */
  private void requireConsistent() throws CorruptFileException {
    Plan plan = state.plan();
    try {
      spec.layout();
      spec.stateFloats(plan.streams());
    } catch (BadInputException e) {
      throw new CorruptFileException(
          "Cannot read %s: %s".formatted(checkpoint.pathOf(CONFIG), e.getMessage()), e);
    }
    if (!plan.isOf(config) || state.step() != checkpoint.step()) {
      throw new CorruptFileException(
          "Cannot read %s: it is of step %d with %s, the checkpoint of step %d with other settings"
              .formatted(checkpoint.pathOf(STATE), state.step(), plan, checkpoint.step()));
    }
    if (state.timeInEpoch() > 0 && state.timeInEpoch() >= plan.longestRow()) {
      throw new CorruptFileException(
          "Cannot read %s: it is at step %d of an epoch of about %d"
              .formatted(checkpoint.pathOf(STATE), state.stepInEpoch(), plan.steps()));
    }
  }

  /** Hands out the state of one replica after the other; it may have to be read first. */
  @FunctionalInterface
  public interface ReplicaStates {
    ReplicaState of(int replica) throws IOException;
  }

  /**
   * Writes the checkpoint of a state and lets go of those that retention does not keep.
   *
   * @param outer vectors of the outer optimizer by name; empty if it has none
   * @param run what {@code run.json} says
   * @throws DivergedException if a parameter is not finite; nothing is written then
   */
  public static Checkpoint write(
      CheckpointStore store,
      TrainingConfig config,
      ModelSchema schema,
      TrainingState state,
      float[] parameters,
      SortedMap<String, float[]> outer,
      ReplicaStates replicas,
      Map<String, ?> run)
      throws IOException {
    ModelSpec spec = schema.spec(config);
    ParameterLayout layout = spec.layout();
    requireFinite(layout, parameters, state);
    CheckpointWriter writer = store.begin(state.step());
    writeTensors(writer, MODEL, Tensor.of("", layout, parameters));
    if (!outer.isEmpty()) {
      List<Tensor> tensors = new ArrayList<>();
      outer.forEach((name, vector) -> tensors.addAll(Tensor.of(name + ".", layout, vector)));
      writeTensors(writer, OUTER, tensors);
    }
    int streams = state.plan().streams();
    for (int replica = 0; replica < state.plan().replicas(); replica++) {
      writeTensors(
          writer, replicaFile(replica), tensors(config, spec, streams, replicas.of(replica)));
    }
    writer.add(STATE, state.toJson());
    writer.add(CONFIG, config.semanticText().getBytes(StandardCharsets.UTF_8));
    writer.add(Vocabulary.FILE, schema.vocabulary().toJson());
    if (schema.isOfSequences()) {
      writer.add(SequenceSchema.FILE, schema.sequences().toJson());
    }
    writer.addUnlisted(RUN, Json.bytes(run));
    if (state.bestStep() > 0) {
      writer.bestStep(state.bestStep());
    }
    Checkpoint checkpoint = writer.commit();
    retain(store, config, state);
    return checkpoint;
  }

  /** Lets go of the checkpoints before a state that retention does not keep. */
  public static void retain(CheckpointStore store, TrainingConfig config, TrainingState state)
      throws IOException {
    boolean keepBest = config.checkpoint().keepBest() && state.bestStep() > 0;
    store.retain(config.checkpoint().keepLast(), keepBest ? List.of(state.bestStep()) : List.of());
  }

  /** Reads everything but the vectors. */
  public static TrainingCheckpoint open(Checkpoint checkpoint) throws IOException {
    return new TrainingCheckpoint(checkpoint);
  }

  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /** The semantic settings of the run; all others have their defaults. */
  public TrainingConfig config() {
    return config;
  }

  public Vocabulary vocabulary() {
    return schema.vocabulary();
  }

  /** What the numbers that enter and leave the model mean. */
  public ModelSchema schema() {
    return schema;
  }

  public ModelSpec spec() {
    return spec;
  }

  public TrainingState state() {
    return state;
  }

  public float[] parameters() throws IOException {
    ParameterLayout layout = spec.layout();
    try (SeekableByteChannel channel = checkpoint.open(MODEL)) {
      float[] parameters = Safetensors.open(channel, checkpoint.pathOf(MODEL)).read("", layout);
      Optional<ParameterBlock> wrong = notFinite(layout, parameters);
      if (wrong.isPresent()) {
        throw new CorruptFileException(
            "Cannot read %s: an element of %s is not finite"
                .formatted(checkpoint.pathOf(MODEL), wrong.get().name()));
      }
      return parameters;
    }
  }

  /**
   * The parameters that are evaluated and saved as the model: the trained ones, or the average of
   * them that is the first of the moments.
   */
  public static float[] evaluated(
      TrainingConfig config, TrainingState state, float[] trained, float[] moments) {
    return state.averagesParameters(config) ? Arrays.copyOf(moments, trained.length) : trained;
  }

  /** The trained parameters by name where the model has their average; else nothing. */
  public static SortedMap<String, float[]> trained(
      TrainingConfig config, TrainingState state, float[] parameters) {
    SortedMap<String, float[]> vectors = new TreeMap<>();
    if (state.averagesParameters(config)) {
      vectors.put(TRAINED, parameters);
    }
    return vectors;
  }

  /** The parameters that training goes on from; see {@link #evaluated}. */
  public float[] trainedParameters() throws IOException {
    if (!state.averagesParameters(config)) {
      return parameters();
    }
    if (!checkpoint.has(OUTER)) {
      throw new CorruptFileException(
          "Cannot read %s: it has the average of the parameters, but not %s with the parameters"
              .formatted(checkpoint.path(), OUTER));
    }
    return outer(TRAINED).values().iterator().next();
  }

  /** The outer optimizer's vectors of those names; empty if the checkpoint has none at all. */
  public SortedMap<String, float[]> outer(String... names) throws IOException {
    SortedMap<String, float[]> vectors = new TreeMap<>();
    if (checkpoint.has(OUTER)) {
      try (SeekableByteChannel channel = checkpoint.open(OUTER)) {
        Safetensors tensors = Safetensors.open(channel, checkpoint.pathOf(OUTER));
        for (String name : names) {
          vectors.put(name, tensors.read(name + ".", spec.layout()));
        }
      }
    }
    return vectors;
  }

  /** What a replica carries on with. */
  public ReplicaState replica(int replica) throws IOException {
    String name = replicaFile(replica);
    try (SeekableByteChannel channel = checkpoint.open(name)) {
      Safetensors tensors = Safetensors.open(channel, checkpoint.pathOf(name));
      ParameterLayout states = stateLayout(spec, state.plan().streams());
      ParameterLayout layout = spec.layout();
      List<String> vectors = momentNames(config);
      for (String vector : vectors) { // before anything is allocated
        tensors.requireBlocks(vector + ".", layout);
      }
      tensors.requireBlocks("", states);
      float[] hidden = new float[states.size()];
      tensors.read("", states, hidden, 0);
      float[] moments = new float[momentFloats(name, (long) vectors.size() * layout.size())];
      for (int i = 0; i < vectors.size(); i++) {
        tensors.read(vectors.get(i) + ".", layout, moments, i * layout.size());
      }
      return new ReplicaState(hidden, moments, optimizerSteps(tensors, name));
    }
  }

  private int momentFloats(String name, long floats) {
    if (floats > Integer.MAX_VALUE) {
      throw new BadInputException(
          "Cannot read %s: it has %d moments, the limit is %d"
              .formatted(checkpoint.pathOf(name), floats, Integer.MAX_VALUE));
    }
    HeapLimit.require(checkpoint.pathOf(name), floats * Float.BYTES);
    return (int) floats;
  }

  private long optimizerSteps(Safetensors tensors, String name) throws IOException {
    float[] steps =
        tensors.shape(OPTIMIZER_STEPS).equals(List.of(2))
            ? tensors.read(OPTIMIZER_STEPS)
            : new float[] {Float.NaN, Float.NaN};
    if (!(steps[0] >= 0 && steps[0] <= STEPS_BASE && steps[1] >= 0 && steps[1] < STEPS_BASE)) {
      throw new CorruptFileException(
          "Cannot read %s: its tensor %s must be two numbers from 0 to 2^24"
              .formatted(checkpoint.pathOf(name), OPTIMIZER_STEPS));
    }
    return ((long) steps[0]) * STEPS_BASE + ((long) steps[1]);
  }

  /**
   * Checks that a run with these settings continues this one.
   *
   * @throws BadInputException naming the setting and both values, or the vocabulary
   */
  public void requireContinuedBy(TrainingConfig resumed, ModelSchema corpus) {
    List<ConfigDifference> differences = resumed.differences(config);
    if (!differences.isEmpty()) {
      throw new BadInputException(
          "Cannot resume %s: %s".formatted(checkpoint.path(), text(differences)));
    }
    requireSchema(corpus);
  }

  /**
   * Checks that the numbers of a corpus mean what they mean to this model.
   *
   * @throws BadInputException if they do not
   */
  public void requireSchema(ModelSchema corpus) {
    if (corpus.isOfSequences() != schema.isOfSequences()) {
      throw new BadInputException(
          "Cannot use checkpoint %s on this corpus: it was trained on %s, the corpus has %s"
              .formatted(checkpoint.path(), schema, corpus));
    }
    requireVocabulary(corpus.vocabulary());
    if (!schema.means(corpus)) {
      throw new BadInputException(
          "Cannot use checkpoint %s on this corpus: its %s (%s) is not the corpus's (%s)"
              .formatted(checkpoint.path(), SequenceSchema.FILE, schema, corpus));
    }
  }

  /**
   * Checks that indices of a corpus mean what they mean to this model.
   *
   * @throws BadInputException if the vocabularies differ
   */
  public void requireVocabulary(Vocabulary corpusVocabulary) {
    if (!vocabulary().fingerprint().equals(corpusVocabulary.fingerprint())) {
      throw new BadInputException(
          "Cannot use checkpoint %s on this corpus: its vocabulary (%s) is not the corpus's (%s)"
              .formatted(checkpoint.path(), vocabulary(), corpusVocabulary));
    }
  }

  private static String text(List<ConfigDifference> differences) {
    List<String> sentences = new ArrayList<>();
    for (ConfigDifference difference : differences) {
      sentences.add(difference.toString());
    }
    return String.join("; ", sentences);
  }

  private static String replicaFile(int replica) {
    return "replica-" + replica + ".safetensors";
  }

  private static List<Tensor> tensors(
      TrainingConfig config, ModelSpec spec, int streams, ReplicaState state) {
    List<Tensor> tensors =
        new ArrayList<>(Tensor.of("", stateLayout(spec, streams), state.hidden()));
    ParameterLayout layout = spec.layout();
    int from = 0;
    for (String name : momentNames(config)) {
      float[] vector = Arrays.copyOfRange(state.moments(), from, from + layout.size());
      tensors.addAll(Tensor.of(name + ".", layout, vector));
      from += layout.size();
    }
    long steps = state.optimizerSteps();
    float[] pair = {(float) Math.floorDiv(steps, STEPS_BASE), (float) (steps % STEPS_BASE)};
    tensors.add(Tensor.of(OPTIMIZER_STEPS, pair));
    return tensors;
  }

  /** The vectors of a replica's moments, in their order. */
  private static List<String> momentNames(TrainingConfig config) {
    return config.optimizer().state() == OptimizerConfig.State.RESET
        ? List.of()
        : LocalOptimizer.momentNames(config.optimizer().kind());
  }

  private static ParameterLayout stateLayout(ModelSpec spec, int streams) {
    ParameterLayout.Builder layout = ParameterLayout.builder();
    int carrying = spec.task().isOfSequences() ? 0 : spec.layers();
    for (int layer = 0; layer < carrying; layer++) {
      layout.add("hidden_l" + layer, streams, spec.output(layer));
      if (spec.cell().hasCellState()) {
        layout.add("cell_l" + layer, streams, spec.hidden(layer));
      }
    }
    return layout.build();
  }

  private static void writeTensors(CheckpointWriter writer, String name, List<Tensor> tensors)
      throws IOException {
    try (OutputStream out = new BufferedOutputStream(writer.add(name), 1 << 16)) {
      Safetensors.write(out, tensors);
    }
  }

  private static void requireFinite(
      ParameterLayout layout, float[] parameters, TrainingState state) {
    Optional<ParameterBlock> wrong = notFinite(layout, parameters);
    if (wrong.isPresent()) {
      throw new DivergedException(
          "Cannot save step %d: a parameter of %s is not finite after round %d"
              .formatted(state.step(), wrong.get().name(), state.round()));
    }
  }

  /** The first block with an element that is infinite or no number. */
  private static Optional<ParameterBlock> notFinite(ParameterLayout layout, float[] parameters) {
    for (ParameterBlock block : layout.blocks()) {
      for (int i = block.offset(); i < block.offset() + block.size(); i++) {
        if (!Float.isFinite(parameters[i])) {
          return Optional.of(block);
        }
      }
    }
    return Optional.empty();
  }
}
