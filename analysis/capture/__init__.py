"""What a run reads from the model: forward passes, residuals, answer trees and the output map."""
