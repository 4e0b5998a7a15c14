// Set-up of every test file: the same random numbers in each run. Without it each process draws numbers of its own.
import { manualSeed } from 'stmnet';

manualSeed(1);
