package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.security.AccessControlException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.cluster.ClusterFailures;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * Cuts text into tokens and writes a corpus: lists files, counts, makes the vocabulary, encodes,
 * writes shards.
 *
 * <p>The text is read twice, in byte ranges. Counts are summed as integers and shards are cut by
 * tokens, so that the corpus does not depend on ranges, tasks or their order. These are RDDs of
 * bytes rather than Datasets: nothing here is a table, and both of Spark's serializers move them.
 */
public final class TokenizeJob {
  private static final Logger LOG = LoggerFactory.getLogger(TokenizeJob.class);
  private static final long LEAST_RANGE_BYTES = 1 << 20;
  private static final long MOST_RANGE_BYTES = 32 << 20;
  private static final int TASKS_PER_CORE = 3;
  private static final int LEAST_TOKENS = 2; // one prediction

  private final JavaSparkContext context;
  private final TokenizeRequest request;
  private final HadoopFiles files;
  private final String output;

  private TokenizeJob(JavaSparkContext context, TokenizeRequest request) {
    this.context = context;
    this.request = request;
    this.files = new HadoopFiles(context.hadoopConfiguration());
    this.output = files.absolute(request.output());
  }

  /**
   * Writes the corpus and returns its manifest. After a failure what existed before is unchanged,
   * and nothing new is left.
   *
   * @throws BadInputException if the input, the output or the vocabulary cannot be used
   */
  public static CorpusManifest run(SparkSession session, TokenizeRequest request)
      throws IOException {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    return new TokenizeJob(context, request).run();
  }

  private CorpusManifest run() throws IOException {
    List<List<InputFile>> inputs =
        List.of(list(request.input()), list(request.valid()), list(request.test()));
    CorpusFolder folder = new CorpusFolder(files, output, request.append());
    folder.check();
    Optional<Vocabulary> given = givenVocabulary();
    folder.begin();
    try {
      return write(inputs, given, folder);
    } catch (IOException | RuntimeException | Error e) {
      try {
        folder.abandon();
      } catch (IOException abandoning) {
        e.addSuppressed(abandoning);
      }
      throw e;
    } finally {
      context.sc().clearJobGroup();
    }
  }

  private List<InputFile> list(List<String> paths) throws IOException {
    List<InputFile> listed = InputFile.list(files, paths.stream().map(files::absolute).toList());
    if (!paths.isEmpty() && listed.stream().allMatch(file -> file.size() == 0)) {
      throw new BadInputException(
          "Cannot tokenize %s: there is no text in it".formatted(String.join(",", paths)));
    }
    return listed;
  }

  private Optional<Vocabulary> givenVocabulary() throws IOException {
    String path = request.append() ? output : request.vocabulary();
    return path.isEmpty()
        ? Optional.empty()
        : Optional.of(GivenVocabulary.read(files, files.absolute(path), request.unit()));
  }

  private CorpusManifest write(
      List<List<InputFile>> inputs, Optional<Vocabulary> given, CorpusFolder folder)
      throws IOException {
    List<TextRange> ranges = new ArrayList<>();
    long bytes = inputs.stream().flatMap(List::stream).mapToLong(InputFile::size).sum();
    for (int split = 0; split < inputs.size(); split++) {
      TextRange.cut(inputs.get(split), split, rangeBytes(bytes), files.configuration(), ranges);
    }
    int tasks = TASKS_PER_CORE * context.defaultParallelism();
    List<List<TextRange>> groups =
        TextRange.group(ranges, Math.min(MOST_RANGE_BYTES, Math.max(1, bytes / tasks)));

    Broadcast<byte[]> givenJson =
        context.broadcast(given.map(Vocabulary::toJson).orElse(new byte[0]));
    JavaRDD<byte[]> records = count(groups, givenJson);
    Vocabulary vocabulary;
    long[] firstTokens;
    long[] splitTokens;
    try {
      List<CountRecord.Summary> summaries = summaries(records, ranges, given);
      firstTokens = firstTokens(summaries);
      splitTokens = splitTokens(ranges, firstTokens);
      vocabulary =
          given.isPresent()
              ? given.get()
              : new VocabularyBuilder(request, Math.min(groups.size(), tasks))
                  .build(records, trainingTokens(ranges, firstTokens));
    } finally {
      records.unpersist(false);
      givenJson.destroy();
    }
    CorpusManifest existing =
        request.append()
            ? CorpusManifest.read(files, output)
            : CorpusManifest.of(vocabulary, Map.of());
    ShardPlan plan = new ShardPlan(splitTokens, request.shardTokens(), nextNumber(existing));
    List<ShardTask.Written> written = writeShards(groups, vocabulary, plan, firstTokens);
    CorpusManifest manifest = CorpusManifest.of(vocabulary, splits(existing, plan, written));
    folder.end(vocabulary, manifest);
    LOG.info(
        "Tokenized {} files, {} bytes: {} tokens of {} kinds",
        inputs.stream().mapToInt(List::size).sum(),
        bytes,
        firstTokens[ranges.size()],
        vocabulary.size());
    return manifest;
  }

  private long rangeBytes(long bytes) {
    if (request.rangeBytes() > 0) {
      return request.rangeBytes();
    }
    long share = bytes / (TASKS_PER_CORE * (long) context.defaultParallelism());
    return Math.max(LEAST_RANGE_BYTES, Math.min(MOST_RANGE_BYTES, share));
  }

  /** The records of {@link CountScan}; on disk, because two jobs read them. */
  private JavaRDD<byte[]> count(List<List<TextRange>> groups, Broadcast<byte[]> givenJson) {
    HadoopFiles taskFiles = files; // locals, so that closures do not capture this job
    Unit unit = request.unit();
    boolean replaceInvalid = request.replaceInvalid();
    List<List<TextRange>> taskGroups = List.copyOf(groups);
    context.setJobDescription("tokenize: count");
    return tasks(groups.size())
        .flatMap(
            group -> {
              byte[] bytes = givenJson.value();
              return new CountScan(
                  taskFiles,
                  taskGroups.get(group),
                  unit,
                  replaceInvalid,
                  bytes.length == 0
                      ? null
                      : new TokenIndex(Vocabulary.parse(bytes, Vocabulary.FILE)));
            })
        .persist(StorageLevel.DISK_ONLY());
  }

  private List<CountRecord.Summary> summaries(
      JavaRDD<byte[]> records, List<TextRange> ranges, Optional<Vocabulary> given) {
    List<CountRecord.Summary> summaries = new ArrayList<>();
    for (byte[] bytes : collect(records.filter(CountRecord::isSummary))) {
      summaries.add(CountRecord.Summary.of(bytes));
    }
    for (CountRecord.Summary summary : summaries) {
      if (!summary.problem().isEmpty()) {
        throw new BadInputException(summary.problem());
      }
      if (summary.unknown() > 0 && TokenIndex.unknown(given.orElseThrow()).isEmpty()) {
        throw new BadInputException(
            "Cannot tokenize %s: %s is not in the vocabulary, which has nothing for unknown ones"
                .formatted(
                    ranges.get(summary.range()).path(),
                    describe(summary.example(), request.unit())));
      }
    }
    return summaries;
  }

  private static String describe(String token, Unit unit) {
    return unit == Unit.CHAR
        ? "the character U+%04X".formatted(token.codePointAt(0))
        : "the word \"%s\"".formatted(token);
  }

  /** The number of the first token of each range, and behind the last. */
  private static long[] firstTokens(List<CountRecord.Summary> summaries) {
    long[] firstTokens = new long[summaries.size() + 1];
    for (int i = 0; i < summaries.size(); i++) {
      firstTokens[i + 1] = firstTokens[i] + summaries.get(i).tokens();
    }
    return firstTokens;
  }

  /** Tokens of the ranges that the vocabulary is made of. */
  private static long trainingTokens(List<TextRange> ranges, long[] firstTokens) {
    return tokensOf(ranges, firstTokens, 0);
  }

  private static long tokensOf(List<TextRange> ranges, long[] firstTokens, int split) {
    long tokens = 0;
    for (TextRange range : ranges) {
      if (range.split() == split) {
        tokens += firstTokens[range.number() + 1] - firstTokens[range.number()];
      }
    }
    return tokens;
  }

  /** Tokens of each split, checked to be enough. */
  private long[] splitTokens(List<TextRange> ranges, long[] firstTokens) {
    long[] tokens = new long[Split.NAMES.size()];
    List<Double> percent = request.splitPercent();
    long total = firstTokens[ranges.size()];
    List<List<String>> inputs = List.of(request.input(), request.valid(), request.test());
    BigDecimal sum = BigDecimal.ZERO;
    long before = 0;
    for (int split = 0; split < tokens.length; split++) {
      boolean wanted;
      if (percent.isEmpty()) {
        tokens[split] = tokensOf(ranges, firstTokens, split);
        wanted = !inputs.get(split).isEmpty();
      } else {
        sum = sum.add(new BigDecimal(percent.get(split).toString()));
        long end =
            split == tokens.length - 1
                ? total
                : BigDecimal.valueOf(total)
                    .multiply(sum)
                    .divide(BigDecimal.valueOf(100), 0, RoundingMode.FLOOR)
                    .longValueExact();
        wanted = percent.get(split) > 0;
        tokens[split] = wanted ? end - before : 0;
        before += tokens[split];
      }
      int least = request.append() ? 1 : LEAST_TOKENS;
      if (wanted && tokens[split] < least) {
        throw new BadInputException(
            "Cannot tokenize %s: its %d tokens leave %d for split %s, which needs at least %d"
                .formatted(
                    String.join(",", percent.isEmpty() ? inputs.get(split) : request.input()),
                    percent.isEmpty() ? tokens[split] : total,
                    tokens[split],
                    Split.NAMES.get(split),
                    least));
      }
    }
    return tokens;
  }

  private List<ShardTask.Written> writeShards(
      List<List<TextRange>> groups, Vocabulary vocabulary, ShardPlan plan, long[] firstTokens)
      throws IOException {
    HadoopFiles taskFiles = files;
    Unit unit = request.unit();
    boolean replaceInvalid = request.replaceInvalid();
    List<List<TextRange>> taskGroups = List.copyOf(groups);
    Broadcast<byte[]> json = context.broadcast(vocabulary.toJson());
    context.setJobDescription("tokenize: write " + plan.shards().size() + " shards");
    JavaRDD<byte[]> shards =
        tasks(groups.size())
            .flatMapToPair(
                group ->
                    new EncodeScan(
                        taskFiles,
                        taskGroups.get(group),
                        unit,
                        replaceInvalid,
                        new TokenIndex(Vocabulary.parse(json.value(), Vocabulary.FILE)),
                        plan,
                        firstTokens))
            .repartitionAndSortWithinPartitions(plan.partitioner())
            .mapPartitionsWithIndex(
                new ShardTask(taskFiles, output, plan, vocabulary.size()), false);
    List<ShardTask.Written> written = new ArrayList<>();
    try {
      for (byte[] bytes : collect(shards)) {
        written.add(ShardTask.Written.of(bytes));
      }
    } finally {
      json.destroy();
    }
    return written;
  }

  private JavaRDD<Integer> tasks(int count) {
    return context.parallelize(IntStream.range(0, count).boxed().toList(), count);
  }

  private List<byte[]> collect(JavaRDD<byte[]> results) {
    try {
      return results.collect();
    } catch (RuntimeException e) {
      throw failure(e);
    } catch (Exception e) { // Spark throws its checked exception without declaring it
      throw failure(e);
    }
  }

  private RuntimeException failure(Exception e) {
    String doing = "tokenize %s into %s".formatted(String.join(",", request.input()), output);
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof TextProblemException problem) {
        return new BadInputException(String.valueOf(problem.getMessage()), e);
      }
      if (cause instanceof AccessDeniedException || cause instanceof AccessControlException) {
        return new BadInputException(
            "Cannot %s: no permission (%s)".formatted(doing, cause.getMessage()), e);
      }
      if (cause instanceof IOException && cause.getCause() == null) {
        return new BadInputException("Cannot %s: %s".formatted(doing, cause.getMessage()), e);
      }
    }
    return ClusterFailures.of(doing, e);
  }

  private static int nextNumber(CorpusManifest existing) {
    Split training = existing.splits().get(Split.NAMES.get(0));
    return training == null ? 0 : training.shards().size();
  }

  private static Map<String, Split> splits(
      CorpusManifest existing, ShardPlan plan, List<ShardTask.Written> written) {
    Map<String, Split> splits = new TreeMap<>(existing.splits());
    for (ShardTask.Written part : written) { // in the order of the plan
      String name = Split.NAMES.get(plan.shards().get(part.number()).split());
      Split before = splits.getOrDefault(name, new Split(0, List.of()));
      List<Shard> shards = new ArrayList<>(before.shards());
      shards.add(part.shard());
      splits.put(name, new Split(before.unknownTokens() + part.unknown(), shards));
    }
    return splits;
  }
}
