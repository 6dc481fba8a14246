package org.sparkrnn.driver.rounds;

import java.io.Serializable;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * What every task of every round of a run knows.
 *
 * @param workFolder where tasks keep carried state that is too large for the driver
 */
record RoundSetting(
    TrainingConfig config, ModelSpec spec, HadoopFiles files, String corpusPath, String workFolder)
    implements Serializable {}
